// Jobs, newest first, with their progress; one in a drawer.
import { Button, Drawer, Select, Stack, Text } from '@mantine/core';
import { IconListCheck } from '@tabler/icons-react';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Job, useJob, useJobs } from '../../api/queries/jobs';
import { usePaging } from '../../api/usePaging';
import { useFormat } from '../../format';
import { en } from '../../i18n/en';
import { CodeBlock } from '../../parts/CodeBlock';
import { type Column, DataTable } from '../../parts/DataTable';
import { EmptyState } from '../../parts/EmptyState';
import { Facts, IdWithCopy } from '../../parts/Facts';
import { ForeignText } from '../../parts/ForeignText';
import classes from '../../parts/live.module.css';
import { PageHeader } from '../../parts/PageHeader';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { RelativeTime } from '../../parts/RelativeTime';
import { StatusBadge } from '../../parts/StatusBadge';
import { useAuditWords } from '../audit-log/words';
import { useNames } from '../useNames';
import { JobBar, JobProgress } from './JobProgress';
import type { JobSearch } from './search';

const STATES = ['waiting', 'running', 'done', 'cancelled', 'failed'] as const;
const KINDS = ['retry', 'replay', 'backfill', 'cancel'] as const;
type Kind = keyof typeof en.jobs.kind;

export default function Jobs() {
  const { t } = useTranslation();
  const search = useSearch({ from: '/jobs' });
  const navigate = useNavigate({ from: '/jobs' });
  const change = (to: JobSearch) =>
    void navigate({ search: (now) => ({ ...now, ...to }), replace: true, resetScroll: false });
  const { state, kind } = search;
  const paging = usePaging(`${state}/${kind}`);
  const { data, error, refetch, isPlaceholderData } = useJobs({ state, kind, cursor: paging.cursor, limit: 50 });
  const words = useKindWords();
  const columns = useColumns();
  const isFiltered = state !== undefined || kind !== undefined;
  return (
    <>
      <PageHeader title={t('jobs.title')} lead={t('jobs.lead')} />
      <search className={classes.filters} aria-label={t('deliveries.filter.label')}>
        <Select
          size="sm"
          label={t('jobs.columns.state')}
          placeholder={t('jobs.anyState')}
          data={STATES.map((value) => ({ value, label: t(`common.status.${value}`) }))}
          value={state ?? null}
          onChange={(value) => change({ state: value ?? undefined })}
          clearable
          clearButtonProps={{ 'aria-label': t('deliveries.filter.clear') }}
        />
        <Select
          size="sm"
          label={t('jobs.columns.kind')}
          placeholder={t('jobs.anyKind')}
          data={KINDS.map((value) => ({ value, label: words(value) }))}
          value={kind ?? null}
          onChange={(value) => change({ kind: value ?? undefined })}
          clearable
          clearButtonProps={{ 'aria-label': t('deliveries.filter.clear') }}
        />
      </search>
      <DataTable
        label={t('jobs.title')}
        columns={columns}
        rows={data?.data}
        rowKey={({ id }) => id}
        error={error}
        onRetry={() => void refetch()}
        onOpen={({ id }) => change({ job: id })}
        selectedKey={search.job}
        empty={
          isFiltered ? (
            <EmptyState icon={IconListCheck} title={t('jobs.empty.filtered')} />
          ) : (
            <EmptyState
              icon={IconListCheck}
              title={t('jobs.empty.title')}
              detail={t('jobs.empty.detail')}
              action={
                <Button variant="default" renderRoot={(props) => <Link to="/deliveries" {...props} />}>
                  {t('jobs.empty.action')}
                </Button>
              }
            />
          )
        }
        pager={{ nextCursor: data?.next_cursor, isStale: isPlaceholderData, ...paging }}
      />
      <Drawer.Root
        opened={search.job !== undefined}
        onClose={() => change({ job: undefined })}
        position="right"
        size={520}
      >
        <Drawer.Overlay backgroundOpacity={0.35} />
        <Drawer.Content>{search.job !== undefined && <OneJob key={search.job} id={search.job} />}</Drawer.Content>
      </Drawer.Root>
    </>
  );
}

function OneJob({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const words = useKindWords();
  const { who } = useAuditWords();
  const { data: job, error, refetch } = useJob(id);
  return (
    <>
      <Drawer.Header>
        <Drawer.Title fw={600} fz="lg">
          {job ? words(job.kind) : t('jobs.columns.kind')}
        </Drawer.Title>
        <Drawer.CloseButton aria-label={t('common.close')} />
      </Drawer.Header>
      <Drawer.Body>
        <Stack gap="lg">
          <ProblemAlert error={error} onRetry={() => void refetch()} />
          {!job && !error && <Text c="dimmed">{t('common.loading')}</Text>}
          {job && (
            <>
              <JobProgress job={job} />
              <Facts
                facts={[
                  {
                    name: t('jobs.webhook'),
                    value: job.subscription_id && (
                      <Link to="/webhooks/$id" params={{ id: job.subscription_id }} className={classes.link}>
                        <WebhookName id={job.subscription_id} />
                      </Link>
                    ),
                  },
                  { name: t('jobs.columns.by'), value: job.created_by && <ForeignText text={who(job.created_by)} /> },
                  { name: t('jobs.columns.created'), value: format.exact(job.created_at) },
                  { name: t('jobs.started'), value: job.started_at && format.exact(job.started_at) },
                  { name: t('jobs.finished'), value: job.finished_at && format.exact(job.finished_at) },
                  {
                    name: t('jobs.id'),
                    value: <IdWithCopy id={job.id} label={`${t('common.copy')}: ${t('jobs.id')}`} />,
                  },
                ]}
              />
              {Object.keys(job.filter ?? {}).length > 0 && (
                <div>
                  <Text fw={500} mb={4}>
                    {t('jobs.filter')}
                  </Text>
                  <CodeBlock label={t('jobs.filter')} json={job.filter} />
                </div>
              )}
            </>
          )}
        </Stack>
      </Drawer.Body>
    </>
  );
}

function JobName({ job }: { job: Job }) {
  const words = useKindWords();
  return (
    <>
      {words(job.kind)}
      {job.subscription_id && (
        <Text span size="sm" c="dimmed" display="block">
          <WebhookName id={job.subscription_id} />
        </Text>
      )}
    </>
  );
}

function WebhookName({ id }: { id: string }) {
  return <ForeignText text={useNames().webhook(id)} line />;
}

/** A kind that this page does not know is shown as it is. */
function useKindWords(): (kind: string) => string {
  const { t } = useTranslation();
  return (kind) => (Object.hasOwn(en.jobs.kind, kind) ? t(`jobs.kind.${kind as Kind}`) : kind);
}

function useColumns(): Column<Job>[] {
  const { t } = useTranslation();
  const { who } = useAuditWords();
  return [
    {
      key: 'kind',
      header: t('jobs.columns.kind'),
      card: 'title',
      width: '26%',
      render: (job) => <JobName job={job} />,
    },
    {
      key: 'state',
      header: t('jobs.columns.state'),
      card: 'corner',
      width: '9rem',
      render: ({ state }) => <StatusBadge status={state} />,
    },
    { key: 'progress', header: t('jobs.columns.progress'), width: '30%', render: (job) => <JobBar job={job} /> },
    {
      key: 'by',
      header: t('jobs.columns.by'),
      render: ({ created_by }) => (created_by ? <ForeignText text={who(created_by)} line /> : t('common.none')),
    },
    {
      key: 'created',
      header: t('jobs.columns.created'),
      align: 'end',
      width: '9rem',
      render: ({ created_at }) => <RelativeTime at={created_at} />,
    },
  ];
}
