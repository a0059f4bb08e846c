// Publishes an event by hand. The payload is sent as it was typed: numbers keep their digits.
import { Autocomplete, Button, Group, Modal, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { TFunction } from 'i18next';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { useEventExample } from '../../api/queries/eventCatalogue';
import { useEventNames, usePublishEvent } from '../../api/queries/events';
import { useFormat } from '../../format';
import { isJson, prettyJson } from '../../format/rawJson';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { useNotify } from '../../parts/useNotify';

type Props = { type: string | undefined; onClose: () => void; onPublished: (id: string) => void };
const EMPTY = '{\n  \n}';
const FIELDS = ['event', 'payload', 'resource_type', 'resource_id'];

export function PublishDialog({ type, onClose, onPublished }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={type !== undefined}
      onClose={onClose}
      size="lg"
      title={<Text fw={600}>{t('events.publish.title')}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {type !== undefined && <Form type={type === 'new' ? '' : type} onClose={onClose} onPublished={onPublished} />}
    </Modal>
  );
}

function Form({ type, onClose, onPublished }: Props & { type: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { done } = useNotify();
  const names = useEventNames();
  const publish = usePublishEvent();
  const form = useForm({
    initialValues: { event: type, payload: EMPTY, resource_type: '', resource_id: '' },
    validate: {
      event: (value) => (value.trim() === '' ? t('events.publish.noType') : null),
      payload: (value) => faultOf(value, t),
    },
    validateInputOnBlur: ['payload'],
  });
  const { data: example } = useEventExample(form.values.event.trim());
  const { setFieldValue } = form;
  useEffect(() => {
    // one that was opened for a type begins with its example, unless something is written already
    if (type !== '' && example) setFieldValue('payload', (now) => (now === EMPTY ? example : now));
  }, [type, example, setFieldValue]);
  const send = form.onSubmit(({ event, payload, resource_type, resource_id }) =>
    publish.mutate(
      {
        event: event.trim(),
        payload,
        resource_type: resource_type.trim() || undefined,
        resource_id: resource_id.trim() || undefined,
      },
      {
        onSuccess: ({ id, deliveries: count }) => {
          const isKnown = typeof count === 'number';
          done(isKnown ? t('events.publish.done', { count, n: format.number(count) }) : t('events.publish.doneLater'));
          onPublished(id);
        },
        onError: (error) => error instanceof ApiProblem && form.setErrors(error.byField()),
      },
    ),
  );
  return (
    <form onSubmit={send} noValidate>
      <Stack gap="md">
        <Text c="dimmed">{t('events.publish.lead')}</Text>
        <Autocomplete
          // a list that opens at once would cover the payload
          data-autofocus={type === '' || undefined}
          label={t('events.publish.type')}
          description={t('events.publish.typeHint')}
          data={names}
          limit={30}
          required
          {...form.getInputProps('event')}
        />
        <div>
          <Textarea
            label={t('events.publish.payload')}
            description={t('events.publish.payloadHint')}
            data-autofocus={type !== '' || undefined}
            autosize
            minRows={6}
            maxRows={16}
            required
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.8125rem' } }}
            {...form.getInputProps('payload')}
          />
          <Group gap={6} mt={6}>
            {example && (
              <Button size="compact-sm" variant="default" onClick={() => form.setFieldValue('payload', example)}>
                {t('events.publish.example')}
              </Button>
            )}
            <Button
              size="compact-sm"
              variant="default"
              disabled={!isJson(form.values.payload)}
              onClick={() => form.setFieldValue('payload', prettyJson(form.values.payload))}
            >
              {t('events.publish.tidy')}
            </Button>
          </Group>
        </div>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          <TextInput
            label={t('events.publish.resourceType')}
            placeholder={t('events.publish.optional')}
            {...form.getInputProps('resource_type')}
          />
          <TextInput
            label={t('events.publish.resourceId')}
            placeholder={t('events.publish.optional')}
            {...form.getInputProps('resource_id')}
          />
        </SimpleGrid>
        <ProblemAlert error={publish.error} shownFields={FIELDS} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={publish.isPending}>
            {t('events.publish.submit')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function faultOf(payload: string, t: TFunction): string | null {
  try {
    const read: unknown = JSON.parse(payload);
    const isObject = typeof read === 'object' && read !== null && !Array.isArray(read);
    return isObject ? null : t('events.publish.noObject');
  } catch (fault) {
    return t('events.publish.noJson', { why: fault instanceof Error ? fault.message : '' });
  }
}
