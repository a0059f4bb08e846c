// Events as they were published: filtered by the address, live, one in a drawer, and a dialog to publish one.
import { Button, Select } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { IconAdjustmentsHorizontal, IconBolt, IconPlus } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { type EventHead, useEventNames, useEvents } from '../../api/queries/events';
import { useLiveList } from '../../api/useLiveList';
import { useFormat } from '../../format';
import { type Column, DataTable } from '../../parts/DataTable';
import { EmptyState } from '../../parts/EmptyState';
import { ForeignText } from '../../parts/ForeignText';
import { FreshChip } from '../../parts/FreshChip';
import classes from '../../parts/live.module.css';
import { PageHeader } from '../../parts/PageHeader';
import { RelativeTime } from '../../parts/RelativeTime';
import { Allowed, useSession } from '../../session/useSession';
import { SearchReach } from '../deliveries/SearchReach';
import { TextFilter } from '../filters/TextFilter';
import { TimeFilter } from '../filters/TimeFilter';
import { EventDrawer } from './EventDrawer';
import { FanoutBadge } from './FanoutBadge';
import { PublishDialog } from './PublishDialog';
import type { EventSearch } from './search';

const FILTERS = ['event', 'fanout', 'resource_type', 'resource_id', 'payload', 'since', 'until'] as const;
const FANOUTS = ['done', 'open', 'muted', 'unknown_tenant', 'cancelled'] as const;

export default function Events() {
  const { t } = useTranslation();
  const { can } = useSession();
  const search = useSearch({ from: '/events' });
  const navigate = useNavigate({ from: '/events' });
  const change = (to: EventSearch, replace = true) =>
    void navigate({ search: (now) => ({ ...now, ...to }), replace, resetScroll: false });
  const { id, publish, ...filter } = search;
  const isAskable = !filter.resource_type || Boolean(filter.resource_id);
  const list = useLiveList(
    {
      resetBy: JSON.stringify(filter),
      range: { since: filter.since, until: filter.until },
      idOf: (row: EventHead) => row.id,
    },
    (bounds, enabled) => useEvents({ ...filter, ...bounds }, enabled && isAskable),
  );
  const { data, error, refetch } = list.answer;
  const refused = error instanceof ApiProblem && error.status === 400 ? error : null;
  const isCovered = refused?.errors.every(({ field }) => FILTERS.some((name) => name === field)) ?? false;
  const isFiltered = FILTERS.some((name) => search[name]);
  const columns = useColumns();
  const publishButton = (
    <Allowed to="publish">
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ publish: 'new' }, false)}>
        {t('events.publish.open')}
      </Button>
    </Allowed>
  );
  return (
    <>
      <PageHeader title={t('events.title')} lead={t('events.lead')} actions={publishButton} />
      <Filters search={search} onChange={change} errors={refused?.byField() ?? {}} />
      <FreshChip count={list.freshCount} hasMore={list.hasMoreFresh} onShow={list.showFresh} />
      <DataTable
        label={t('events.title')}
        columns={columns}
        rows={refused ? [] : data?.data}
        rowKey={(row) => row.id}
        error={isCovered ? null : error}
        onRetry={() => void refetch()}
        onOpen={(row) => change({ id: row.id }, false)}
        selectedKey={id}
        empty={
          <EmptyState
            icon={IconBolt}
            title={t(isFiltered ? 'events.empty.filtered' : 'events.empty.title')}
            detail={t(isFiltered ? 'events.empty.filteredDetail' : 'events.empty.detail')}
            action={isFiltered ? undefined : publishButton}
          />
        }
        pager={{ nextCursor: data?.next_cursor, ...list.paging }}
      />
      <SearchReach search={data?.search} />
      <EventDrawer id={id} onClose={() => change({ id: undefined })} />
      {can('publish') && (
        <PublishDialog
          type={publish}
          onClose={() => change({ publish: undefined })}
          onPublished={(published) => change({ publish: undefined, id: published })}
        />
      )}
    </>
  );
}

type FilterProps = {
  search: EventSearch;
  onChange: (change: EventSearch) => void;
  errors: Record<string, string>;
};

function Filters({ search, onChange, errors }: FilterProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const names = useEventNames();
  const isNarrow = useMediaQuery('(max-width: 48em)', window.innerWidth <= 768, { getInitialValueInEffect: false });
  const [isOpen, { toggle }] = useDisclosure();
  const inUse = FILTERS.filter((name) => search[name]).length;
  const fold = (
    <div className={classes.filterFoot}>
      <Button
        size="compact-sm"
        variant="subtle"
        color="gray"
        aria-expanded={isOpen}
        leftSection={<IconAdjustmentsHorizontal size={15} aria-hidden />}
        onClick={toggle}
      >
        {t('deliveries.filter.count', { n: format.number(inUse) })}
      </Button>
    </div>
  );
  const text = (name: 'event' | 'resource_type' | 'resource_id' | 'payload') => ({
    value: search[name],
    onChange: (value: string | undefined) => onChange({ [name]: value }),
    error: errors[name],
  });
  return (
    <search className={classes.filters} aria-label={t('deliveries.filter.label')}>
      {isNarrow && fold}
      {(!isNarrow || isOpen) && (
        <>
          <TextFilter
            label={t('deliveries.filter.event')}
            placeholder={t('deliveries.filter.anyEvent')}
            choices={names}
            {...text('event')}
          />
          <Select
            size="sm"
            label={t('events.fanoutFilter')}
            placeholder={t('events.anyFanout')}
            data={FANOUTS.map((value) => ({ value, label: t(`events.fanout.${value}`) }))}
            value={search.fanout ?? null}
            onChange={(fanout) => onChange({ fanout: fanout ?? undefined })}
            clearable
            clearButtonProps={{ 'aria-label': t('deliveries.filter.clear') }}
            error={errors.fanout}
          />
          <TimeFilter since={search.since} until={search.until} onChange={onChange} />
          <TextFilter label={t('deliveries.filter.resourceType')} placeholder="invoice" {...text('resource_type')} />
          <TextFilter
            label={t('deliveries.filter.resourceId')}
            placeholder="4711"
            {...text('resource_id')}
            {...(search.resource_type && !search.resource_id && { error: t('deliveries.filter.resourceNeedsId') })}
          />
          <TextFilter label={t('deliveries.filter.payload')} placeholder="$.amount > 100" mono {...text('payload')} />
        </>
      )}
    </search>
  );
}

function useColumns(): Column<EventHead>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'event',
      header: t('events.columns.event'),
      width: '34%',
      card: 'title',
      render: ({ event }) => <ForeignText text={event} mono />,
    },
    {
      key: 'fanout',
      header: t('events.columns.fanout'),
      width: '11rem',
      card: 'corner',
      render: ({ fanout }) => <FanoutBadge fanout={fanout} />,
    },
    {
      key: 'resource',
      header: t('events.columns.resource'),
      render: ({ resource_type, resource_id }) =>
        resource_id ? <ForeignText text={[resource_type, resource_id].filter(Boolean).join(' ')} /> : t('common.none'),
    },
    {
      key: 'created',
      header: t('events.columns.created'),
      align: 'end',
      width: '10rem',
      render: ({ created_at }) => <RelativeTime at={created_at} />,
    },
  ];
}
