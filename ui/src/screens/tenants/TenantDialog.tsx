// Makes a tenant, or changes its name and limit.
import { Button, Group, Modal, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { type Tenant, useCreateTenant, useUpdateTenantAsOperator } from '../../api/queries/tenants';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { useNotify } from '../../parts/useNotify';
import { useSession } from '../../session/useSession';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const FIELDS = ['name', 'id', 'max_in_flight'];

type Props = { opened: boolean /** Null: a new one. */; tenant: Tenant | null; onClose: () => void };

export function TenantDialog({ opened, tenant, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={<Text fw={600}>{t(tenant ? 'tenants.form.editTitle' : 'tenants.form.newTitle')}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Form tenant={tenant} onClose={onClose} />
    </Modal>
  );
}

type Values = { name: string; id: string; max_in_flight: number | '' };

function Form({ tenant, onClose }: Omit<Props, 'opened'>) {
  const { t } = useTranslation();
  const { done } = useNotify();
  const session = useSession();
  const create = useCreateTenant();
  const update = useUpdateTenantAsOperator();
  const saving = tenant === null ? create : update;
  const form = useForm<Values>({
    initialValues: { name: tenant?.name ?? '', id: '', max_in_flight: tenant?.max_in_flight ?? '' },
    validate: { id: (id) => (id.trim() === '' || UUID.test(id.trim()) ? null : t('tenants.form.idWrong')) },
    validateInputOnBlur: ['id'],
  });
  const save = form.onSubmit((values) => {
    const name = values.name.trim();
    const limit = values.max_in_flight === '' ? null : values.max_in_flight;
    const answered = {
      onSuccess: (saved: Tenant) => {
        const shown = saved.name || saved.id;
        done(t(tenant === null ? 'tenants.form.created' : 'tenants.form.saved', { name: shown }));
        onClose();
        // the first one is what there is to look at
        if (session.tenant === null) session.switchTenant({ id: saved.id, name: saved.name });
      },
      onError: (error: unknown) => {
        if (error instanceof ApiProblem) form.setErrors(error.byField());
      },
    };
    if (tenant !== null) update.mutate({ id: tenant.id, body: { name, max_in_flight: limit } }, answered);
    else {
      const id = values.id.trim();
      create.mutate({ name, ...(id && { id }), ...(limit !== null && { max_in_flight: limit }) }, answered);
    }
  });
  return (
    <form onSubmit={save} noValidate>
      <Stack gap="md">
        <TextInput
          data-autofocus
          label={t('tenants.form.name')}
          description={t('tenants.form.nameHint')}
          maxLength={200}
          {...form.getInputProps('name')}
        />
        {tenant === null && (
          <TextInput
            label={t('tenants.form.id')}
            description={t('tenants.form.idHint')}
            autoComplete="off"
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
            {...form.getInputProps('id')}
          />
        )}
        <NumberInput
          label={t('tenants.form.limit')}
          description={t('tenants.form.limitHint')}
          min={1}
          max={10_000}
          allowDecimal={false}
          {...form.getInputProps('max_in_flight')}
        />
        <ProblemAlert error={saving.error} shownFields={FIELDS} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={saving.isPending}>
            {tenant === null ? t('tenants.form.create') : t('common.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
