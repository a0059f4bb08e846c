// The tenant's API keys: which there are, a new one, and revoking.
import { Badge, Button, Group, Text } from '@mantine/core';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type ApiKey, useApiKeys, useRevokeApiKey } from '../../api/queries/apiKeys';
import { usePaging } from '../../api/usePaging';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { type Column, DataTable } from '../../parts/DataTable';
import { EmptyState } from '../../parts/EmptyState';
import { ForeignText } from '../../parts/ForeignText';
import { PageHeader } from '../../parts/PageHeader';
import { RelativeTime } from '../../parts/RelativeTime';
import { StatusBadge } from '../../parts/StatusBadge';
import { useNotify } from '../../parts/useNotify';
import { Allowed, useSession } from '../../session/useSession';
import { NewKey } from './NewKey';
import { isScope, stateOf } from './state';

export default function ApiKeys() {
  const { t } = useTranslation();
  const { can, token } = useSession();
  const paging = usePaging();
  const { data, error, refetch, isPlaceholderData } = useApiKeys(paging.cursor);
  const [isCreating, setIsCreating] = useState(false);
  const [revoked, setRevoked] = useState<ApiKey | null>(null);
  // of the session's own token: what stands between `phk_` and the second underscore
  const ownId = /^phk_([^_]+)_/.exec(token)?.[1];
  const columns = useColumns(ownId, can('keys') ? setRevoked : null);
  const create = (variant?: 'default') => (
    <Allowed to="keys">
      <Button
        {...(variant && { variant })}
        leftSection={<IconPlus size={16} aria-hidden />}
        onClick={() => setIsCreating(true)}
      >
        {t('apiKeys.create')}
      </Button>
    </Allowed>
  );
  return (
    <>
      <PageHeader title={t('apiKeys.title')} lead={t('apiKeys.lead')} actions={create()} />
      <DataTable
        label={t('apiKeys.title')}
        columns={columns}
        rows={data?.data}
        rowKey={({ id }) => id}
        error={error}
        onRetry={() => void refetch()}
        empty={
          <EmptyState
            icon={IconKey}
            title={t('apiKeys.empty')}
            detail={t('apiKeys.emptyDetail')}
            action={create('default')}
          />
        }
        pager={{ nextCursor: data?.next_cursor, isStale: isPlaceholderData, ...paging }}
      />
      <NewKey opened={isCreating} onClose={() => setIsCreating(false)} />
      <RevokeDialog apiKey={revoked} isOwn={revoked?.id === ownId} onClose={() => setRevoked(null)} />
    </>
  );
}

type RevokeProps = { apiKey: ApiKey | null; isOwn: boolean; onClose: () => void };

function RevokeDialog({ apiKey, isOwn, onClose }: RevokeProps) {
  const { t } = useTranslation();
  const { done } = useNotify();
  const revoke = useRevokeApiKey();
  const close = () => {
    revoke.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      opened={apiKey !== null}
      title={t('apiKeys.revokeTitle')}
      confirmLabel={t('apiKeys.revoke')}
      danger
      isBusy={revoke.isPending}
      error={revoke.error}
      onClose={close}
      onConfirm={() => {
        if (apiKey === null) return;
        revoke.mutate(apiKey.id, {
          onSuccess: () => {
            close();
            done(t('apiKeys.revoked'));
          },
        });
      }}
    >
      <ForeignText
        text={t('apiKeys.revokeDetail', { name: apiKey?.name || t('apiKeys.unnamed'), id: apiKey?.id ?? '' })}
      />
      {isOwn && (
        <Text mt="xs" fw={600}>
          {t('apiKeys.revokeYours')}
        </Text>
      )}
    </ConfirmDialog>
  );
}

function useColumns(ownId: string | undefined, onRevoke: ((key: ApiKey) => void) | null): Column<ApiKey>[] {
  const { t } = useTranslation();
  const columns: Column<ApiKey>[] = [
    {
      key: 'name',
      header: t('apiKeys.columns.name'),
      card: 'title',
      width: '21%',
      render: ({ id, name }) => (
        <>
          {name ? (
            <ForeignText text={name} />
          ) : (
            <Text span c="dimmed">
              {t('apiKeys.unnamed')}
            </Text>
          )}
          <Text size="xs" c="dimmed">
            <span className="mono">{id}</span>
            {id === ownId && ` · ${t('apiKeys.yours')}`}
          </Text>
        </>
      ),
    },
    {
      key: 'state',
      header: t('apiKeys.columns.state'),
      card: 'corner',
      render: (key) => <StatusBadge status={stateOf(key)} />,
    },
    {
      key: 'scopes',
      header: t('apiKeys.columns.scopes'),
      width: '10rem',
      render: ({ scopes }) => <Scopes scopes={scopes} />,
    },
    {
      key: 'created',
      header: t('apiKeys.columns.created'),
      render: ({ created_at }) => <RelativeTime at={created_at} />,
    },
    {
      key: 'used',
      header: t('apiKeys.columns.used'),
      render: ({ last_used_at }) => <RelativeTime at={last_used_at} otherwise={t('common.never')} />,
    },
    {
      key: 'expires',
      header: t('apiKeys.columns.expires'),
      render: ({ expires_at }) => <RelativeTime at={expires_at} otherwise={t('common.never')} />,
    },
  ];
  if (onRevoke === null) return columns;
  return [
    ...columns,
    {
      key: 'actions',
      header: t('apiKeys.columns.actions'),
      align: 'end',
      render: (key) =>
        stateOf(key) === 'active' ? (
          <Button
            size="compact-sm"
            variant="default"
            aria-label={t('apiKeys.revokeOne', { name: key.name || key.id })}
            onClick={() => onRevoke(key)}
          >
            {t('apiKeys.revoke')}
          </Button>
        ) : (
          t('common.none')
        ),
    },
  ];
}

function Scopes({ scopes }: { scopes: readonly string[] }) {
  const { t } = useTranslation();
  return (
    <Group gap={4} display="inline-flex">
      {scopes.map((scope) => (
        <Badge key={scope} variant="light" color="gray" radius="sm" tt="none" fw={500}>
          {isScope(scope) ? t(`apiKeys.scopes.${scope}`) : scope}
        </Badge>
      ))}
    </Group>
  );
}
