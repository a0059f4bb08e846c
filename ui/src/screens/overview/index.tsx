// How deliveries fare: figures, charts and whoever is in trouble, or the way to the first delivery.
import { Alert, Skeleton, Stack } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useBacklog, useSeries, useStatistics, useWorstReceivers } from '../../api/queries/statistics';
import { PageHeader } from '../../parts/PageHeader';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { Charts } from './Charts';
import { FirstSteps } from './FirstSteps';
import { ErrorsByKind, TopEvents, WorstReceivers } from './Lists';
import classes from './overview.module.css';
import { RangePicker } from './RangePicker';
import { spanOf } from './search';
import { Tiles } from './Tiles';

const route = getRouteApi('/');

export default function Overview() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const span = useMemo(() => spanOf(search), [search]);
  const figures = useStatistics(span);
  const series = useSeries(span);
  const health = useWorstReceivers(5);
  const backlog = useBacklog();
  const queries = [figures, series, health, backlog];
  const failed = queries.find(({ error }) => error !== null);
  const receivers = health.data?.data;
  const isNew =
    figures.data?.totals.attempts === 0 &&
    receivers?.every(({ last_delivered_at, last_failed_at }) => !last_delivered_at && !last_failed_at);
  return (
    <>
      <PageHeader
        title={t('overview.title')}
        lead={t('overview.lead')}
        actions={<RangePicker search={search} onChange={(next) => navigate({ search: next })} />}
      />
      <Stack gap="lg">
        <ProblemAlert
          error={failed?.error}
          onRetry={() => {
            for (const query of queries) if (query.error !== null) query.refetch();
          }}
        />
        {backlog.data?.dispatchers_alive === 0 && (
          <Alert
            role="status"
            color="orange"
            variant="light"
            icon={<IconPlugConnectedX aria-hidden />}
            title={t('overview.stopped.title')}
          >
            {t('overview.stopped.detail')}
          </Alert>
        )}
        {isNew ? (
          <FirstSteps hasWebhook={(receivers?.length ?? 0) > 0} />
        ) : (
          <>
            <Tiles figures={figures.data} backlog={backlog.data} />
            <Charts series={series.data} figures={figures.data} />
            <div className={classes.lists}>
              {receivers ? <WorstReceivers receivers={receivers} /> : <Skeleton height={220} radius="lg" />}
              {figures.data ? <ErrorsByKind figures={figures.data} /> : <Skeleton height={220} radius="lg" />}
            </div>
            {figures.data && <TopEvents figures={figures.data} />}
          </>
        )}
      </Stack>
    </>
  );
}
