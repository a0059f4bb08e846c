// Deliveries and their delay over time.
import { lazy } from 'react';
import { useTranslation } from 'react-i18next';
import type { Series, Statistics, Step } from '../../api/queries/statistics';
import { useFormat } from '../../format';
import { ChartCard } from './ChartCard';
import classes from './overview.module.css';

const Plot = lazy(() => import('./plots'));

type Props = { series: Series | undefined; figures: Statistics | undefined };

export function Charts(props: Props) {
  return (
    <div className={classes.charts}>
      <DeliveriesChart {...props} />
      <DelayChart {...props} />
    </div>
  );
}

function DeliveriesChart({ series, figures }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const { axis, long } = useStepTimes(series);
  const totals = figures?.totals;
  const lines = [
    { name: 'delivered', label: t('overview.chart.delivered'), color: 'var(--posthorn-chart-good)' },
    { name: 'retried', label: t('overview.chart.retried'), color: 'var(--posthorn-chart-warn)' },
    { name: 'lost', label: t('overview.chart.lost'), color: 'var(--posthorn-chart-bad)' },
  ];
  const values = (step: Step) => [step.delivered, step.retried, step.failed + step.abandoned] as const;
  return (
    <ChartCard
      title={t('overview.chart.deliveries')}
      said={t('overview.chart.deliveriesSaid', {
        delivered: format.number(totals?.delivered ?? 0),
        retried: format.number(totals?.retried ?? 0),
        lost: format.number((totals?.failed ?? 0) + (totals?.abandoned ?? 0)),
      })}
      legend={lines.map(({ label, color }) => ({ name: label, color }))}
      columns={lines.map(({ name, label }) => ({ key: name, header: label }))}
      rows={series?.data.map((step) => ({
        key: step.starts_at,
        time: long(step.starts_at),
        cells: values(step).map(format.number),
      }))}
      none={series?.data.some(({ attempts }) => attempts > 0) ? null : t('overview.byEvent.none')}
    >
      <Plot
        kind="bars"
        series={lines}
        data={(series?.data ?? []).map((step) => {
          const [delivered, retried, lost] = values(step);
          return { time: axis(step.starts_at), delivered, retried, lost };
        })}
        print={format.compact}
      />
    </ChartCard>
  );
}

function DelayChart({ series, figures }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const { axis, long } = useStepTimes(series);
  const ms = (value: number | null | undefined) => (value == null ? t('common.none') : format.duration(value));
  const lines = [
    { name: 'p50', label: t('overview.chart.p50'), color: 'var(--posthorn-chart-1)' },
    { name: 'p95', label: t('overview.chart.p95'), color: 'var(--posthorn-chart-2)' },
    { name: 'p99', label: t('overview.chart.p99'), color: 'var(--posthorn-chart-3)' },
  ];
  const values = ({ delay_ms }: Step) => [delay_ms.p50 ?? null, delay_ms.p95 ?? null, delay_ms.p99 ?? null] as const;
  return (
    <ChartCard
      title={t('overview.chart.delays')}
      said={t('overview.chart.delaysSaid', {
        p50: ms(figures?.totals.delay_ms.p50),
        p95: ms(figures?.totals.delay_ms.p95),
      })}
      legend={lines.map(({ label, color }) => ({ name: label, color }))}
      columns={lines.map(({ name, label }) => ({ key: name, header: label }))}
      rows={series?.data.map((step) => ({
        key: step.starts_at,
        time: long(step.starts_at),
        cells: values(step).map(ms),
      }))}
      none={series?.data.some(({ delay_ms }) => delay_ms.p50 != null) ? null : t('overview.chart.none')}
    >
      <Plot
        kind="lines"
        series={lines}
        data={(series?.data ?? []).map((step) => {
          const [p50, p95, p99] = values(step);
          return { time: axis(step.starts_at), p50, p95, p99 };
        })}
        print={format.duration}
      />
    </ChartCard>
  );
}

/** Steps of a day begin at midnight UTC: in the reader's zone they would seem to be the day before. */
function useStepTimes(series: Series | undefined) {
  const format = useFormat();
  const isDay = series?.bucket === 'day';
  const isShort = series !== undefined && Date.parse(series.until) - Date.parse(series.since) <= 26 * 3_600_000;
  const axis = (time: string) =>
    isDay ? format.utcDay(time, 'short') : isShort ? format.clock(time) : format.shortDateTime(time);
  const long = (time: string) => (isDay ? format.utcDay(time, 'medium') : format.dateTime(time));
  return { axis, long };
}
