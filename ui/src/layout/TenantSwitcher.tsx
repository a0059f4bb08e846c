// For operators: whose data is looked at.
import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useTenants } from '../api/queries/tenants';
import { useAskBeforeLeaving } from '../parts/Leaving';
import { useSession } from '../session/useSession';

export function TenantSwitcher() {
  const { t } = useTranslation();
  const { kind, tenant, switchTenant } = useSession();
  const tenants = useTenants(kind === 'admin').data?.data ?? [];
  const [ask, question] = useAskBeforeLeaving();
  if (kind !== 'admin' || tenant === null) return null;
  const options = tenants.some(({ id }) => id === tenant.id) ? tenants : [{ ...tenant, disabled_at: null }, ...tenants];
  return (
    <>
      <Select
        aria-label={t('shell.tenant')}
        placeholder={t('shell.tenantSearch')}
        size="sm"
        searchable
        allowDeselect={false}
        limit={100}
        comboboxProps={{ shadow: 'md' }}
        value={tenant.id}
        data={options.map(({ id, name, disabled_at }) => ({
          value: id,
          label: disabled_at ? `${name || id} (${t('shell.tenantDisabled')})` : name || id,
        }))}
        onChange={(id) => {
          const chosen = options.find((one) => one.id === id);
          if (chosen && chosen.id !== tenant.id) ask(() => switchTenant({ id: chosen.id, name: chosen.name }));
        }}
      />
      {question}
    </>
  );
}
