// For operators: the tenants of the server.
import { ActionIcon, Button, Menu, Text } from '@mantine/core';
import {
  IconBuilding,
  IconDots,
  IconLink,
  IconLock,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlus,
} from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Tenant, useTenantPage, useUpdateTenantAsOperator } from '../../api/queries/tenants';
import { usePaging } from '../../api/usePaging';
import { useFormat } from '../../format';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { type Column, DataTable } from '../../parts/DataTable';
import { EmptyState } from '../../parts/EmptyState';
import { ForeignText } from '../../parts/ForeignText';
import { PageHeader } from '../../parts/PageHeader';
import { RelativeTime } from '../../parts/RelativeTime';
import { StatusBadge } from '../../parts/StatusBadge';
import { useNotify } from '../../parts/useNotify';
import { useSession } from '../../session/useSession';
import { PortalDialog } from './PortalDialog';
import { TenantDialog } from './TenantDialog';

type Asked = { what: 'edit' | 'disable' | 'link'; tenant: Tenant } | { what: 'new'; tenant: null } | null;

export default function Tenants() {
  const { t } = useTranslation();
  const { kind } = useSession();
  return (
    <>
      {kind === 'admin' ? (
        <List />
      ) : (
        <>
          <PageHeader title={t('tenants.title')} />
          <EmptyState icon={IconLock} title={t('tenants.operatorsOnly')} detail={t('tenants.operatorsOnlyDetail')} />
        </>
      )}
    </>
  );
}

function List() {
  const { t } = useTranslation();
  const paging = usePaging();
  const { data, error, refetch, isPlaceholderData } = useTenantPage(paging.cursor);
  const [asked, setAsked] = useState<Asked>(null);
  const close = () => setAsked(null);
  const columns = useColumns(setAsked);
  const create = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAsked({ what: 'new', tenant: null })}>
      {t('tenants.create')}
    </Button>
  );
  return (
    <>
      <PageHeader title={t('tenants.title')} lead={t('tenants.lead')} actions={create} />
      <DataTable
        label={t('tenants.title')}
        columns={columns}
        rows={data?.data}
        rowKey={({ id }) => id}
        error={error}
        onRetry={() => void refetch()}
        empty={
          <EmptyState
            icon={IconBuilding}
            title={t('tenants.empty')}
            detail={t('tenants.emptyDetail')}
            action={create}
          />
        }
        pager={{ nextCursor: data?.next_cursor, isStale: isPlaceholderData, ...paging }}
      />
      <TenantDialog
        opened={asked?.what === 'new' || asked?.what === 'edit'}
        tenant={asked?.what === 'edit' ? asked.tenant : null}
        onClose={close}
      />
      <PortalDialog tenant={asked?.what === 'link' ? asked.tenant : null} onClose={close} />
      <DisableDialog tenant={asked?.what === 'disable' ? asked.tenant : null} onClose={close} />
    </>
  );
}

function DisableDialog({ tenant, onClose }: { tenant: Tenant | null; onClose: () => void }) {
  const { t } = useTranslation();
  const { done } = useNotify();
  const update = useUpdateTenantAsOperator();
  const name = useNameOf()(tenant);
  const close = () => {
    update.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      opened={tenant !== null}
      title={t('tenants.disableTitle', { name })}
      confirmLabel={t('tenants.disable')}
      danger
      isBusy={update.isPending}
      error={update.error}
      onClose={close}
      onConfirm={() => {
        if (tenant === null) return;
        const body = { disabled: true };
        update.mutate(
          { id: tenant.id, body },
          {
            onSuccess: () => {
              close();
              done(t('tenants.disabled', { name }));
            },
          },
        );
      }}
    >
      {t('tenants.disableDetail')}
    </ConfirmDialog>
  );
}

function Actions({ tenant, onAsk }: { tenant: Tenant; onAsk: (asked: Asked) => void }) {
  const { t } = useTranslation();
  const { done, failed } = useNotify();
  const { switchTenant } = useSession();
  const navigate = useNavigate();
  const update = useUpdateTenantAsOperator();
  const name = useNameOf()(tenant);
  const look = () => {
    switchTenant({ id: tenant.id, name: tenant.name });
    void navigate({ to: '/' });
  };
  const enable = () =>
    update.mutate(
      { id: tenant.id, body: { disabled: false } },
      { onSuccess: () => done(t('tenants.enabled', { name })), onError: failed },
    );
  return (
    <Menu position="bottom-end" shadow="md" width={210}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('tenants.actionsOf', { name })}>
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconBuilding size={16} aria-hidden />} onClick={look}>
          {t('tenants.open')}
        </Menu.Item>
        <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={() => onAsk({ what: 'edit', tenant })}>
          {t('tenants.edit')}
        </Menu.Item>
        {tenant.disabled_at ? (
          <Menu.Item leftSection={<IconPlayerPlay size={16} aria-hidden />} onClick={enable}>
            {t('tenants.enable')}
          </Menu.Item>
        ) : (
          <>
            <Menu.Item leftSection={<IconLink size={16} aria-hidden />} onClick={() => onAsk({ what: 'link', tenant })}>
              {t('tenants.link')}
            </Menu.Item>
            <Menu.Item
              leftSection={<IconPlayerPause size={16} aria-hidden />}
              onClick={() => onAsk({ what: 'disable', tenant })}
            >
              {t('tenants.disable')}
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

function useNameOf(): (tenant: Tenant | null) => string {
  const { t } = useTranslation();
  return (tenant) => tenant?.name || tenant?.id || t('tenants.unnamed');
}

function useColumns(onAsk: (asked: Asked) => void): Column<Tenant>[] {
  const { t } = useTranslation();
  const format = useFormat();
  const { tenant: current } = useSession();
  return [
    {
      key: 'name',
      header: t('tenants.columns.name'),
      card: 'title',
      render: ({ id, name }) => (
        <>
          {name ? (
            <ForeignText text={name} />
          ) : (
            <Text span c="dimmed">
              {t('tenants.unnamed')}
            </Text>
          )}
          <Text size="xs" c="dimmed">
            <span className="mono">{id}</span>
            {id === current?.id && ` · ${t('tenants.current')}`}
          </Text>
        </>
      ),
    },
    {
      key: 'state',
      header: t('tenants.columns.state'),
      card: 'corner',
      render: ({ disabled_at }) => <StatusBadge status={disabled_at ? 'disabled' : 'active'} />,
    },
    {
      key: 'limit',
      header: t('tenants.columns.limit'),
      render: ({ max_in_flight }) => (max_in_flight == null ? t('tenants.share') : format.number(max_in_flight)),
    },
    {
      key: 'created',
      header: t('tenants.columns.created'),
      render: ({ created_at }) => <RelativeTime at={created_at} />,
    },
    {
      key: 'actions',
      header: t('tenants.columns.actions'),
      align: 'end',
      render: (tenant) => <Actions tenant={tenant} onAsk={onAsk} />,
    },
  ];
}
