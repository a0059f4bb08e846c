// What holds for the tenant as a whole.
import { Button, Group, NumberInput, Skeleton, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { type Tenant, useTenant, useUpdateTenant } from '../../api/queries/tenant';
import { useUpdateTenantAsOperator } from '../../api/queries/tenants';
import { useFormat } from '../../format';
import { Facts, IdWithCopy } from '../../parts/Facts';
import { ForeignText } from '../../parts/ForeignText';
import { PageHeader } from '../../parts/PageHeader';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { useNotify } from '../../parts/useNotify';
import { isLookedAt } from '../../session/store';
import { useSession } from '../../session/useSession';
import classes from './settings.module.css';

export default function Settings() {
  const { t } = useTranslation();
  const { can } = useSession();
  const { data, error, refetch } = useTenant();
  return (
    <>
      <PageHeader title={t('settings.title')} lead={t('settings.lead')} />
      <Stack gap="lg" maw={640}>
        <ProblemAlert error={error} onRetry={() => void refetch()} />
        {!data && !error && <Skeleton height={280} radius="lg" />}
        {data && (
          <>
            <section className={classes.card}>
              {can('manage') ? <Form tenant={data} /> : <Shown tenant={data} />}
            </section>
            <section className={classes.card}>
              <Identity tenant={data} />
            </section>
          </>
        )}
      </Stack>
    </>
  );
}

function Identity({ tenant }: { tenant: Tenant }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { kind } = useSession();
  const limit = tenant.max_in_flight;
  return (
    <Facts
      facts={[
        {
          name: t('settings.id'),
          value: <IdWithCopy id={tenant.id} label={`${t('common.copy')}: ${t('settings.id')}`} />,
        },
        { name: t('settings.created'), value: format.dateTime(tenant.created_at) },
        {
          name: t('settings.maxInFlight'),
          value: kind !== 'admin' && (
            <>
              {limit == null ? t('settings.share') : format.number(limit)}
              <Text size="sm" c="dimmed">
                {t('settings.maxInFlightHint')}
              </Text>
            </>
          ),
        },
      ]}
    />
  );
}

function Shown({ tenant }: { tenant: Tenant }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <Facts
        facts={[
          { name: t('settings.name'), value: <ForeignText text={tenant.name || t('common.none')} /> },
          {
            name: t('settings.strict'),
            value: t(tenant.strict_event_types ? 'settings.strictOn' : 'settings.strictOff'),
          },
        ]}
      />
      <Text size="sm" c="dimmed">
        {t('settings.readOnly')}
      </Text>
    </Stack>
  );
}

type Values = { name: string; strict_event_types: boolean; max_in_flight: number | '' };
const FIELDS = ['name', 'strict_event_types', 'max_in_flight'];

function Form({ tenant }: { tenant: Tenant }) {
  const { t } = useTranslation();
  const { done } = useNotify();
  const { kind, switchTenant } = useSession();
  const update = useUpdateTenant();
  const limit = useUpdateTenantAsOperator();
  const [error, setError] = useState<unknown>(null);
  const isOperator = kind === 'admin';
  const form = useForm<Values>({
    initialValues: {
      name: tenant.name,
      strict_event_types: tenant.strict_event_types,
      max_in_flight: tenant.max_in_flight ?? '',
    },
  });
  const save = form.onSubmit(async ({ name, strict_event_types, max_in_flight }) => {
    setError(null);
    try {
      if (isOperator && form.isDirty('max_in_flight')) {
        const body = { max_in_flight: max_in_flight === '' ? null : max_in_flight };
        await limit.mutateAsync({ id: tenant.id, body });
      }
      const saved = await update.mutateAsync({ name: name.trim(), strict_event_types });
      form.resetDirty();
      done(t('settings.saved'));
      // the name stands in the frame too
      if (saved.name !== tenant.name && isLookedAt(saved.id)) switchTenant({ id: saved.id, name: saved.name });
    } catch (failure) {
      setError(failure);
      if (failure instanceof ApiProblem) form.setErrors(failure.byField());
    }
  });
  return (
    <form onSubmit={save} noValidate>
      <Stack gap="md">
        <TextInput
          label={t('settings.name')}
          description={t('settings.nameHint')}
          maxLength={200}
          {...form.getInputProps('name')}
        />
        <Switch
          label={t('settings.strict')}
          description={t('settings.strictHint')}
          {...form.getInputProps('strict_event_types', { type: 'checkbox' })}
        />
        {isOperator && (
          <NumberInput
            label={t('settings.maxInFlight')}
            description={t('settings.maxInFlightOperator')}
            placeholder={t('settings.share')}
            min={1}
            max={10_000}
            allowDecimal={false}
            {...form.getInputProps('max_in_flight')}
          />
        )}
        <ProblemAlert error={error} shownFields={FIELDS} />
        <Group justify="flex-end">
          <Button type="submit" disabled={!form.isDirty()} loading={update.isPending || limit.isPending}>
            {t('common.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
