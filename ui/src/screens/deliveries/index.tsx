// The delivery log: filtered by the address, live, and one delivery in a drawer.
import { Button, Text } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { type Delivery, useDeliveries } from '../../api/queries/deliveries';
import { useLiveList } from '../../api/useLiveList';
import { type Column, DataTable } from '../../parts/DataTable';
import { EmptyState } from '../../parts/EmptyState';
import { ForeignText } from '../../parts/ForeignText';
import { FreshChip } from '../../parts/FreshChip';
import classes from '../../parts/live.module.css';
import { PageHeader } from '../../parts/PageHeader';
import { RelativeTime } from '../../parts/RelativeTime';
import { StatusBadge } from '../../parts/StatusBadge';
import { Allowed } from '../../session/useSession';
import { BulkDialog } from './BulkDialog';
import { BulkMenu } from './BulkMenu';
import { DeliveryDrawer } from './DeliveryDrawer';
import { Filters } from './Filters';
import { useResultWords } from './result';
import { SearchReach } from './SearchReach';
import { type DeliverySearch, FILTERS, namesInUse, toFilter } from './search';

export default function Deliveries() {
  const { t } = useTranslation();
  const search = useSearch({ from: '/deliveries' });
  const navigate = useNavigate({ from: '/deliveries' });
  const change = (to: DeliverySearch, replace = true) =>
    void navigate({ search: (now) => ({ ...now, ...to }), replace, resetScroll: false });
  const filter = toFilter(search);
  const isSearch = Boolean(filter.payload ?? filter.resource_id);
  const list = useLiveList(
    {
      resetBy: JSON.stringify(filter),
      range: { since: filter.since, until: filter.until },
      // a search goes by the time of events
      idOf: (row: Delivery) => (isSearch ? row.event_id : row.id),
    },
    (bounds, enabled) => useDeliveries({ ...filter, ...bounds }, enabled && isAskable(search)),
  );
  const { data, error, refetch } = list.answer;
  const problem = error instanceof ApiProblem ? error : null;
  const columns = useColumns();
  return (
    <>
      <PageHeader
        title={t('deliveries.title')}
        lead={t('deliveries.lead')}
        actions={
          <Allowed to="manage">
            <BulkMenu onChoose={(kind) => change({ do: kind }, false)} />
          </Allowed>
        }
      />
      <Filters search={search} onChange={change} errors={problem?.byField() ?? {}} />
      <FreshChip count={list.freshCount} hasMore={list.hasMoreFresh} onShow={list.showFresh} />
      <DataTable
        label={t('deliveries.title')}
        columns={columns}
        rows={problem?.status === 400 ? [] : data?.data}
        rowKey={({ id }) => id}
        error={problem?.status === 400 && coversAll(problem) ? null : error}
        onRetry={() => void refetch()}
        onOpen={({ id }) => change({ delivery: id }, false)}
        selectedKey={search.delivery}
        empty={<Nothing search={search} nextCursor={data?.next_cursor} onNext={list.paging.next} />}
        pager={{ nextCursor: data?.next_cursor, ...list.paging }}
      />
      <SearchReach search={data?.search} />
      <DeliveryDrawer id={search.delivery} onClose={() => change({ delivery: undefined })} />
      <Allowed to="manage">
        <BulkDialog search={search} onClose={() => change({ do: undefined })} />
      </Allowed>
    </>
  );
}

/** The type alone is refused by the API: its field says what is missing. */
function isAskable({ resource_type, resource_id }: DeliverySearch): boolean {
  return !resource_type || Boolean(resource_id);
}

/** Whether each failed rule is told under its field. */
function coversAll({ errors }: ApiProblem): boolean {
  return errors.length > 0 && errors.every(({ field }) => FILTERS.some((name) => name === field));
}

function useColumns(): Column<Delivery>[] {
  const { t } = useTranslation();
  const result = useResultWords();
  return [
    {
      key: 'event',
      header: t('deliveries.columns.event'),
      width: '22%',
      card: 'title',
      render: ({ event }) => (
        <span className={classes.event}>
          <ForeignText text={event} mono line />
        </span>
      ),
    },
    {
      key: 'status',
      header: t('deliveries.columns.status'),
      width: '8.5rem',
      card: 'corner',
      render: ({ status }) => <StatusBadge status={status} />,
    },
    {
      key: 'receiver',
      header: t('deliveries.columns.receiver'),
      width: '30%',
      render: ({ target_url }) => (
        <span className={classes.url}>
          {target_url ? (
            <ForeignText text={target_url.replace(/^https:\/\//, '')} line />
          ) : (
            <Text span c="dimmed" inherit>
              {t('deliveries.deletedReceiver')}
            </Text>
          )}
        </span>
      ),
    },
    { key: 'result', header: t('deliveries.columns.result'), render: result },
    {
      key: 'created',
      header: t('deliveries.columns.created'),
      align: 'end',
      width: '9rem',
      render: ({ created_at }) => <RelativeTime at={created_at} />,
    },
  ];
}

type NothingProps = { search: DeliverySearch; nextCursor: string | null | undefined; onNext: (cursor: string) => void };

function Nothing({ search, nextCursor, onNext }: NothingProps) {
  const { t } = useTranslation();
  if (nextCursor) {
    const goOn = <Button onClick={() => onNext(nextCursor)}>{t('deliveries.search.goOn')}</Button>;
    return <EmptyState title={t('deliveries.empty.filtered')} detail={t('deliveries.empty.goOn')} action={goOn} />;
  }
  if (namesInUse(search).length > 0) {
    return <EmptyState title={t('deliveries.empty.filtered')} detail={t('deliveries.empty.filteredDetail')} />;
  }
  return (
    <EmptyState
      icon={IconSend}
      title={t('deliveries.empty.title')}
      detail={t('deliveries.empty.detail')}
      action={
        <Allowed to="publish">
          <Button renderRoot={(props) => <Link to="/events" search={{ publish: 'new' }} {...props} />}>
            {t('deliveries.empty.action')}
          </Button>
        </Allowed>
      }
    />
  );
}
