// Makes a key, and shows it this one time.
import { Button, Checkbox, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { TFunction } from 'i18next';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { useCreateApiKey } from '../../api/queries/apiKeys';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { SecretOnce } from '../../parts/SecretOnce';
import { useSession } from '../../session/useSession';
import { SCOPES, type Scope } from './state';

const DAY = 86_400_000;
const LENGTHS = { never: null, days30: 30, days90: 90, year: 365, custom: null } as const;
type Length = keyof typeof LENGTHS;
type Values = { name: string; scopes: Scope[]; expires: Length; at: string };
const FIELDS = ['name', 'scopes', 'expires_at'];

export function NewKey({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const [key, setKey] = useState<string | null>(null);
  return (
    <>
      <Modal
        opened={opened && key === null}
        onClose={onClose}
        title={<Text fw={600}>{t('apiKeys.form.title')}</Text>}
        closeButtonProps={{ 'aria-label': t('common.close') }}
      >
        <Form onClose={onClose} onMade={setKey} />
      </Modal>
      <SecretOnce
        secret={key}
        title={t('apiKeys.made.title')}
        onClose={() => {
          setKey(null);
          onClose();
        }}
      >
        {t('apiKeys.made.detail')}
      </SecretOnce>
    </>
  );
}

/** Its own component: what was typed is forgotten when the dialog closes. */
function Form({ onClose, onMade }: { onClose: () => void; onMade: (key: string) => void }) {
  const { t } = useTranslation();
  const { can } = useSession();
  const create = useCreateApiKey();
  const allowed = SCOPES.filter((scope) => can(scope));
  const initialValues: Values = {
    name: '',
    scopes: allowed.filter((scope) => scope !== 'keys'),
    expires: 'never',
    at: '',
  };
  const form = useForm<Values>({ initialValues, validate: (values) => faultsOf(values, t) });
  const send = form.onSubmit((values) =>
    create.mutate(
      { name: values.name.trim(), scopes: values.scopes, expires_at: expiryOf(values) },
      {
        onSuccess: ({ key }) => onMade(key),
        onError: (error) => {
          if (!(error instanceof ApiProblem)) return;
          const { expires_at, ...fields } = error.byField();
          form.setErrors({ ...fields, [values.expires === 'custom' ? 'at' : 'expires']: expires_at });
        },
      },
    ),
  );
  return (
    <form onSubmit={send} noValidate>
      <Stack gap="md">
        <TextInput
          data-autofocus
          label={t('apiKeys.form.name')}
          description={t('apiKeys.form.nameHint')}
          placeholder={t('apiKeys.form.namePlaceholder')}
          maxLength={200}
          autoComplete="off"
          {...form.getInputProps('name')}
        />
        <Checkbox.Group
          label={t('apiKeys.form.scopes')}
          description={allowed.length < SCOPES.length ? t('apiKeys.form.scopesLimited') : undefined}
          {...form.getInputProps('scopes')}
        >
          <Stack gap="xs" mt="xs">
            {allowed.map((scope) => (
              <Checkbox
                key={scope}
                value={scope}
                label={t(`apiKeys.scopes.${scope}`)}
                description={t(`apiKeys.scopeHints.${scope}`)}
              />
            ))}
          </Stack>
        </Checkbox.Group>
        <Select
          label={t('apiKeys.form.expires')}
          data={(Object.keys(LENGTHS) as Length[]).map((value) => ({
            value,
            label: t(`apiKeys.form.expiresIn.${value}`),
          }))}
          allowDeselect={false}
          {...form.getInputProps('expires')}
        />
        {form.values.expires === 'custom' && (
          <TextInput type="datetime-local" label={t('apiKeys.form.at')} {...form.getInputProps('at')} />
        )}
        <ProblemAlert error={create.error} shownFields={FIELDS} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={create.isPending}>
            {t('apiKeys.form.create')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function faultsOf({ scopes, expires, at }: Values, t: TFunction): Record<string, string | null> {
  const isMissing = expires === 'custom' && Number.isNaN(Date.parse(at));
  const isPast = expires === 'custom' && Date.parse(at) <= Date.now();
  return {
    scopes: scopes.length === 0 ? t('apiKeys.form.scopesNeeded') : null,
    at: isMissing ? t('apiKeys.form.atNeeded') : isPast ? t('apiKeys.form.atPast') : null,
  };
}

function expiryOf({ expires, at }: Values): string | null {
  if (expires === 'custom') return new Date(at).toISOString();
  const days = LENGTHS[expires];
  return days === null ? null : new Date(Date.now() + days * DAY).toISOString();
}
