// Headers of its own, credentials and a client certificate. Their values are never shown again: they stay or are replaced.
import {
  ActionIcon,
  Button,
  Group,
  Input,
  PasswordInput,
  Select,
  Stack,
  Text,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Subscription } from '../../../api/queries/subscriptions';
import { ForeignText } from '../../../parts/ForeignText';
import { AreaField, TextField } from './Fields';
import classes from './form.module.css';
import { useForm } from './state';

export function IdentityFields({ stored }: { stored: Subscription | undefined }) {
  return (
    <Stack gap="lg">
      <Headers stored={stored} />
      <Credentials stored={stored} />
      <Certificate stored={stored} />
    </Stack>
  );
}

function Headers({ stored }: { stored: Subscription | undefined }) {
  const { t } = useTranslation();
  const { values, set, errorOf } = useForm();
  const names = Object.keys(stored?.headers ?? {});
  const rowOf = (name: string) => ({ key: crypto.randomUUID(), name, value: '' });
  // their values are nowhere to be had, but their names need not be typed again
  const replace = () => {
    set('headersMode', 'set');
    if (values.headers.length === 0) set('headers', names.map(rowOf));
  };
  const add = () => set('headers', [...values.headers, rowOf('')]);
  const change = (key: string, part: { name?: string; value?: string }) =>
    set(
      'headers',
      values.headers.map((row) => (row.key === key ? { ...row, ...part } : row)),
    );
  return (
    <Input.Wrapper
      label={t('webhooks.form.headers.label')}
      description={t('webhooks.form.headers.help')}
      error={errorOf('headers')}
      labelElement="div"
    >
      {values.headersMode === 'keep' ? (
        <Group mt="xs" gap="sm">
          <ForeignText mono text={names.map((name) => `${name}: ••••`).join(', ')} />
          <Button variant="default" size="xs" onClick={replace}>
            {t('webhooks.form.headers.replace')}
          </Button>
        </Group>
      ) : (
        <Stack gap="xs" mt="xs">
          {names.length > 0 && (
            <Text size="sm" c="dimmed">
              {t('webhooks.form.headers.replacing', { names: names.join(', ') })}{' '}
              <Button variant="subtle" size="compact-xs" onClick={() => set('headersMode', 'keep')}>
                {t('webhooks.form.keep')}
              </Button>
            </Text>
          )}
          {values.headers.map((row, at) => (
            <div key={row.key} className={classes.headerRow}>
              <TextInput
                aria-label={t('webhooks.form.headers.name')}
                placeholder="X-Team"
                value={row.name}
                spellCheck={false}
                error={errorOf(`headers.${at}.name`)}
                onChange={(event) => change(row.key, { name: event.currentTarget.value })}
              />
              <TextInput
                aria-label={t('webhooks.form.headers.value')}
                placeholder={t('webhooks.form.headers.value')}
                value={row.value}
                autoComplete="off"
                spellCheck={false}
                error={errorOf(`headers.${at}.value`)}
                onChange={(event) => change(row.key, { value: event.currentTarget.value })}
              />
              <Tooltip label={t('webhooks.form.headers.remove')}>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  size={36}
                  aria-label={t('webhooks.form.headers.remove')}
                  onClick={() =>
                    set(
                      'headers',
                      values.headers.filter(({ key }) => key !== row.key),
                    )
                  }
                >
                  <IconTrash size={16} aria-hidden />
                </ActionIcon>
              </Tooltip>
            </div>
          ))}
          <div>
            <Button variant="default" size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={add}>
              {t('webhooks.form.headers.add')}
            </Button>
          </div>
        </Stack>
      )}
    </Input.Wrapper>
  );
}

function Credentials({ stored }: { stored: Subscription | undefined }) {
  const { t } = useTranslation();
  const { values, set, errorOf } = useForm();
  const modes = ['none', 'basic', 'bearer'] as const;
  const kept = stored?.credentials_type ? (['keep'] as const) : [];
  const options = [...kept, ...modes];
  const toggle = { 'aria-label': t('webhooks.form.showSecret'), tabIndex: 0 };
  return (
    <Stack gap="xs">
      <Select
        label={t('webhooks.form.credentials.label')}
        description={t('webhooks.form.credentials.help')}
        data={options.map((value) => ({
          value,
          label: t(`webhooks.form.credentials.${value}`, { kind: stored?.credentials_type ?? '' }),
        }))}
        allowDeselect={false}
        value={values.credentialsMode}
        error={errorOf('credentials')}
        onChange={(value) => set('credentialsMode', options.find((one) => one === value) ?? 'none')}
      />
      {values.credentialsMode === 'basic' && (
        <Group grow align="flex-start">
          <TextField name="username" />
          <PasswordInput
            id="field-password"
            label={t('webhooks.form.password.label')}
            description={t('webhooks.form.password.help')}
            autoComplete="new-password"
            value={values.password}
            error={errorOf('password')}
            onChange={(change) => set('password', change.currentTarget.value)}
            visibilityToggleButtonProps={toggle}
          />
        </Group>
      )}
      {values.credentialsMode === 'bearer' && (
        <PasswordInput
          id="field-token"
          label={t('webhooks.form.token.label')}
          description={t('webhooks.form.token.help')}
          autoComplete="new-password"
          value={values.token}
          error={errorOf('token')}
          onChange={(change) => set('token', change.currentTarget.value)}
          visibilityToggleButtonProps={toggle}
        />
      )}
    </Stack>
  );
}

function Certificate({ stored }: { stored: Subscription | undefined }) {
  const { t } = useTranslation();
  const { values, set } = useForm();
  const options = [...(stored?.client_certificate ? (['keep'] as const) : []), 'none', 'set'] as const;
  return (
    <Stack gap="xs">
      <Select
        label={t('webhooks.form.certificate.label')}
        description={t('webhooks.form.certificate.help')}
        data={options.map((value) => ({ value, label: t(`webhooks.form.certificate.${value}`) }))}
        allowDeselect={false}
        value={values.certificateMode}
        onChange={(value) => set('certificateMode', options.find((one) => one === value) ?? 'none')}
      />
      {values.certificateMode === 'set' && (
        <>
          <AreaField name="client_certificate" placeholder="-----BEGIN CERTIFICATE-----" />
          <AreaField name="client_key" placeholder="-----BEGIN PRIVATE KEY-----" />
        </>
      )}
    </Stack>
  );
}
