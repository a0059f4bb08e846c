// The audit log: who changed what, newest first, with filters in the address.
import { Button, Text } from '@mantine/core';
import { IconHistory, IconX } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { type AuditEntry, useAuditLog } from '../../api/queries/auditLog';
import { usePaging } from '../../api/usePaging';
import { useFormat } from '../../format';
import { type Column, DataTable } from '../../parts/DataTable';
import { EmptyState } from '../../parts/EmptyState';
import { ForeignText } from '../../parts/ForeignText';
import live from '../../parts/live.module.css';
import { PageHeader } from '../../parts/PageHeader';
import { RelativeTime } from '../../parts/RelativeTime';
import { TextFilter } from '../filters/TextFilter';
import { TimeFilter } from '../filters/TimeFilter';
import { fieldChanges } from './changes';
import { EntryDrawer } from './EntryDrawer';
import type { AuditSearch } from './search';
import { ACTIONS, useAuditWords } from './words';

const route = getRouteApi('/audit-log');
const NONE: AuditSearch = { action: undefined, target_id: undefined, since: undefined, until: undefined };

export default function AuditLog() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const change = (to: AuditSearch) =>
    void navigate({ search: (now) => ({ ...now, ...to }), replace: true, resetScroll: false });
  const paging = usePaging(JSON.stringify(search));
  const { data, error, refetch, isPlaceholderData } = useAuditLog({ ...search, cursor: paging.cursor });
  const [open, setOpen] = useState<AuditEntry | null>(null);
  const columns = useColumns();
  const errors = error instanceof ApiProblem ? error.byField() : {};
  const isFiltered = Object.values(search).some((value) => value !== undefined);
  return (
    <>
      <PageHeader title={t('auditLog.title')} lead={t('auditLog.lead')} />
      <search className={live.filters} aria-label={t('auditLog.filter.label')}>
        <TextFilter
          label={t('auditLog.filter.action')}
          placeholder={t('auditLog.filter.anyAction')}
          choices={ACTIONS}
          value={search.action}
          onChange={(action) => change({ action })}
          error={errors.action}
        />
        <TextFilter
          label={t('auditLog.filter.target')}
          mono
          value={search.target_id}
          onChange={(target_id) => change({ target_id })}
          error={errors.target_id}
        />
        <TimeFilter since={search.since} until={search.until} onChange={change} />
        {isFiltered && (
          <div className={live.filterFoot}>
            <Button
              size="compact-sm"
              variant="subtle"
              color="gray"
              leftSection={<IconX size={14} aria-hidden />}
              onClick={() => change(NONE)}
            >
              {t('auditLog.filter.clear')}
            </Button>
          </div>
        )}
      </search>
      <DataTable
        label={t('auditLog.title')}
        columns={columns}
        rows={data?.data}
        rowKey={({ id }) => id}
        error={error}
        onRetry={() => void refetch()}
        onOpen={setOpen}
        selectedKey={open?.id ?? null}
        empty={
          <EmptyState
            icon={IconHistory}
            title={t(isFiltered ? 'auditLog.filtered' : 'auditLog.empty')}
            detail={t(isFiltered ? 'auditLog.filteredDetail' : 'auditLog.emptyDetail')}
          />
        }
        pager={{ nextCursor: data?.next_cursor, isStale: isPlaceholderData, ...paging }}
      />
      <EntryDrawer
        entry={open}
        onClose={() => setOpen(null)}
        onOnly={(target_id) => {
          setOpen(null);
          change({ ...NONE, target_id });
        }}
      />
    </>
  );
}

const SHOWN_FIELDS = 3;

function useColumns(): Column<AuditEntry>[] {
  const { t } = useTranslation();
  const format = useFormat();
  const words = useAuditWords();
  return [
    {
      key: 'what',
      header: t('auditLog.columns.what'),
      card: 'title',
      width: '11rem',
      render: ({ action }) => <ForeignText text={words.what(action)} />,
    },
    {
      key: 'fields',
      header: t('auditLog.columns.fields'),
      width: '26%',
      render: ({ changes }) => {
        const names = fieldChanges(changes).map(({ field }) => field);
        if (names.length === 0) return t('common.none');
        return (
          <Text span size="sm" c="dimmed" ff="monospace">
            {names.slice(0, SHOWN_FIELDS).join(', ')}{' '}
            {names.length > SHOWN_FIELDS && t('auditLog.moreFields', { n: format.number(names.length - SHOWN_FIELDS) })}
          </Text>
        );
      },
    },
    {
      key: 'target',
      header: t('auditLog.columns.target'),
      width: '18%',
      render: (entry) => {
        const name = words.target(entry);
        return <ForeignText text={short(name)} mono={name === entry.target_id} line />;
      },
    },
    {
      key: 'who',
      header: t('auditLog.columns.who'),
      render: ({ actor }) => (
        <span className={live.who}>
          <ForeignText text={words.who(actor)} line />
        </span>
      ),
    },
    {
      key: 'when',
      header: t('auditLog.columns.when'),
      align: 'end',
      render: ({ created_at }) => <RelativeTime at={created_at} />,
    },
  ];
}

/** The end of an id tells ids made at the same time apart; the beginning is the time. */
function short(id: string): string {
  return /^[0-9a-f-]{36}$/.test(id) ? `…${id.slice(-12)}` : id;
}
