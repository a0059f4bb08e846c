// The body, which answers count, when it is tried again, how fast, and when it is left alone.
import { Button, Group, Radio, SimpleGrid, Stack } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Subscription } from '../../../api/queries/subscriptions';
import { PreviewDialog } from '../PreviewDialog';
import { AreaField, ChoiceField, NumberField, SwitchField, TextField } from './Fields';
import { useForm } from './state';
import { bodyOf, FORMATS, PRESETS } from './values';

const POLICIES = ['standard', 'gestiq', 'codes'] as const;

export function PayloadFields({ stored }: { stored: Subscription | undefined }) {
  const { t } = useTranslation();
  const { values, faults } = useForm();
  const [isPreview, setIsPreview] = useState(false);
  const isGood = Object.keys(faults).length === 0;
  const { payload_format, template, template_content_type } = isGood ? bodyOf(values) : {};
  return (
    <Stack gap="md">
      <ChoiceField
        name="payload_format"
        options={FORMATS.map((value) => ({ value, label: t(`webhooks.form.payload_format.${value}`) }))}
      />
      {values.payload_format === 'template' && (
        <>
          <AreaField name="template" rows={6} placeholder='{"text": "Invoice {{ data.number }}"}' />
          <TextField name="template_content_type" isMono />
        </>
      )}
      {stored && (
        <Group>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconEye size={15} aria-hidden />}
            disabled={!isGood}
            onClick={() => setIsPreview(true)}
          >
            {t('webhooks.actions.preview')}
          </Button>
          <PreviewDialog
            webhook={stored}
            opened={isPreview}
            unsaved={{
              payload_format,
              ...(template && { template }),
              ...(template_content_type && { template_content_type }),
            }}
            onClose={() => setIsPreview(false)}
          />
        </Group>
      )}
    </Stack>
  );
}

export function AnswerFields() {
  const { t } = useTranslation();
  const { values, set, errorOf } = useForm();
  const retries = [
    { value: 'server', label: t('webhooks.form.retry.server') },
    ...PRESETS.map((value) => ({ value, label: t(`webhooks.form.retry.${value}`) })),
    { value: 'own', label: t('webhooks.form.retry.own') },
    { value: 'never', label: t('webhooks.form.retry.never') },
  ];
  return (
    <Stack gap="md">
      <Radio.Group
        label={t('webhooks.form.success.label')}
        description={t('webhooks.form.success.help')}
        value={values.success}
        error={errorOf('success')}
        onChange={(value) => set('success', POLICIES.find((one) => one === value) ?? 'standard')}
      >
        <Group mt="xs" gap="lg">
          {POLICIES.map((value) => (
            <Radio key={value} value={value} label={t(`webhooks.form.success.${value}`)} />
          ))}
        </Group>
      </Radio.Group>
      {values.success === 'codes' && <TextField name="success_codes" placeholder="200, 202, 204" />}
      <ChoiceField name="retry" options={retries} />
      {values.retry === 'own' && <TextField name="retry_schedule" placeholder="5s, 5m, 30m, 2h" isMono />}
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <NumberField name="max_retries" />
        <NumberField name="timeout_seconds" />
      </SimpleGrid>
    </Stack>
  );
}

export function FlowFields() {
  return (
    <Stack gap="md">
      <SwitchField name="ordered" />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <NumberField name="rate_per_second" />
        <NumberField name="rate_burst" />
        <NumberField name="batch_max" />
        <NumberField name="batch_wait_ms" />
        <NumberField name="max_in_flight" />
      </SimpleGrid>
    </Stack>
  );
}

export function CircuitFields() {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <NumberField name="circuit_failures" />
      <NumberField name="circuit_failure_ratio" />
      <NumberField name="circuit_seconds" />
      <NumberField name="suspend_after_seconds" />
    </SimpleGrid>
  );
}
