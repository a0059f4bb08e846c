// What was sent to one webhook, newest first: status, time, and the error of what failed. Live.
import { Button, Select, Skeleton, Stack, Text } from '@mantine/core';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Schema } from '../../api';
import { useDeliveryLog } from '../../api/queries/deliveryLog';
import { usePaging } from '../../api/usePaging';
import { useFormat } from '../../format';
import { EmptyState } from '../../parts/EmptyState';
import { ForeignText } from '../../parts/ForeignText';
import { Pager } from '../../parts/Pager';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { RelativeTime } from '../../parts/RelativeTime';
import { StatusBadge } from '../../parts/StatusBadge';
import classes from './webhooks.module.css';

const STATUSES = ['pending', 'sending', 'retrying', 'delivered', 'failed', 'abandoned', 'cancelled'] as const;
const PAGE = 20;

export function DeliveryLog({ id }: { id: string }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const { status } = useSearch({ from: '/webhooks/$id' });
  const paging = usePaging(status);
  const log = useDeliveryLog(id, { status, cursor: paging.cursor, limit: PAGE });
  const rows = log.data?.data;
  const filter = (to: string | null) =>
    go({ to: '/webhooks/$id', params: { id }, search: to ? { status: to } : {}, replace: true, resetScroll: false });
  return (
    <>
      <div className={classes.logHead}>
        <Select
          aria-label={t('webhooks.log.filter')}
          placeholder={t('webhooks.log.all')}
          size="xs"
          w={160}
          clearable
          data={STATUSES.map((value) => ({ value, label: t(`common.status.${value}`) }))}
          value={status ?? null}
          onChange={filter}
        />
        <Button
          variant="subtle"
          size="compact-sm"
          renderRoot={(props) => <Link to="/deliveries" search={{ subscription_id: id, status }} {...props} />}
        >
          {t('webhooks.log.open')}
        </Button>
      </div>
      {log.error && (
        <div className={classes.section}>
          <ProblemAlert error={log.error} onRetry={log.refetch} />
        </div>
      )}
      {rows === undefined ? (
        !log.error && <Loading />
      ) : rows.length === 0 && paging.page === 1 ? (
        <EmptyState
          title={t(status ? 'webhooks.log.noneSuch' : 'webhooks.log.none')}
          detail={t(status ? 'webhooks.log.noneSuchDetail' : 'webhooks.log.noneDetail')}
        />
      ) : (
        <ul className={classes.log} aria-label={t('webhooks.panel.log')}>
          {rows.map((row) => (
            <li key={row.id}>
              <Entry row={row} />
            </li>
          ))}
        </ul>
      )}
      {rows && <Pager {...paging} nextCursor={log.data?.next_cursor} isStale={log.isPlaceholderData} />}
    </>
  );
}

function Entry({ row }: { row: Schema<'Delivery'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const isDone = row.status === 'delivered' || row.status === 'cancelled';
  const isRetrying = row.status === 'retrying';
  return (
    <Link
      className={classes.entry}
      to="/deliveries"
      search={{ subscription_id: row.subscription_id, delivery: row.id }}
      aria-label={t('webhooks.log.openOne', { event: row.event })}
    >
      <StatusBadge status={row.status} />
      <span className={classes.entryEvent}>
        <ForeignText line text={row.event} />
      </span>
      <span className={classes.entryTime}>
        <RelativeTime at={row.finished_at ?? row.updated_at} />
      </span>
      <span className={classes.entryWhy} data-tone={!isDone && row.last_error ? 'bad' : undefined}>
        {row.attempts > 0 && t('webhooks.log.attempts', { count: row.attempts, number: format.number(row.attempts) })}
        {row.last_status_code && <> · HTTP {row.last_status_code}</>}
        {!isDone && row.last_error && (
          <>
            {' · '}
            <ForeignText text={row.last_error.slice(0, 300)} />
          </>
        )}
        {isRetrying && row.due_at && (
          <>
            {' · '}
            {t('webhooks.log.next')} <RelativeTime at={row.due_at} />
          </>
        )}
      </span>
    </Link>
  );
}

function Loading() {
  const { t } = useTranslation();
  return (
    <Stack p="md" gap="md" aria-busy>
      <Text className="visually-hidden">{t('common.loading')}</Text>
      {['a', 'b', 'c', 'd', 'e'].map((key) => (
        <Skeleton key={key} height={14} />
      ))}
    </Stack>
  );
}
