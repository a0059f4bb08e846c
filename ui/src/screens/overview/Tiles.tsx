// The figures one looks at first.
import { Skeleton, Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Backlog, Statistics } from '../../api/queries/statistics';
import { useFormat } from '../../format';
import classes from './overview.module.css';

type TileProps = {
  label: string;
  hint: string;
  value: string | undefined;
  detail?: string | undefined;
  tone?: 'bad' | 'warn';
};

export function Tiles({ figures, backlog }: { figures: Statistics | undefined; backlog: Backlog | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const ms = (value: number | null | undefined) => (value == null ? t('common.none') : format.duration(value));
  const totals = figures?.totals;
  const lost = totals && totals.failed + totals.abandoned;
  const minutes = figures && Math.max(1, (Date.parse(figures.until) - Date.parse(figures.since)) / 60_000);
  const perMinute = totals && minutes && totals.delivered / minutes;
  return (
    <dl className={classes.tiles}>
      <Tile
        label={t('overview.tiles.success')}
        hint={t('overview.tiles.successHint')}
        value={totals && (totals.success_rate == null ? t('common.none') : format.percent(totals.success_rate))}
        detail={
          totals &&
          t('overview.tiles.successDetail', {
            delivered: format.compact(totals.delivered),
            lost: format.compact(lost ?? 0),
          })
        }
        {...(totals?.success_rate != null && totals.success_rate < 0.95
          ? { tone: totals.success_rate < 0.8 ? ('bad' as const) : ('warn' as const) }
          : {})}
      />
      <Tile
        label={t('overview.tiles.throughput')}
        hint={t('overview.tiles.throughputHint')}
        value={
          perMinute === undefined
            ? undefined
            : t('overview.tiles.perMinute', {
                value:
                  perMinute >= 10 || perMinute === 0 ? format.compact(Math.round(perMinute)) : format.few(perMinute),
              })
        }
        detail={
          totals &&
          t('overview.tiles.throughputDetail', {
            attempts: format.compact(totals.attempts),
            retried: format.compact(totals.retried),
          })
        }
      />
      <Tile
        label={t('overview.tiles.delay')}
        hint={t('overview.tiles.delayHint')}
        value={totals && ms(totals.delay_ms.p95)}
        detail={
          totals && t('overview.tiles.delayDetail', { p50: ms(totals.delay_ms.p50), p99: ms(totals.delay_ms.p99) })
        }
      />
      <Tile
        label={t('overview.tiles.duration')}
        hint={t('overview.tiles.durationHint')}
        value={totals && ms(totals.duration_ms.p95)}
        detail={
          totals &&
          t('overview.tiles.durationDetail', { p50: ms(totals.duration_ms.p50), max: ms(totals.duration_ms.max) })
        }
      />
      <BacklogTile backlog={backlog} />
      <Tile
        label={t('overview.tiles.dispatchers')}
        hint={t('overview.tiles.dispatchersHint')}
        value={backlog && format.number(backlog.dispatchers_alive)}
        detail={
          backlog &&
          t(backlog.dispatchers_alive === 0 ? 'overview.tiles.dispatchersDown' : 'overview.tiles.dispatchersUp')
        }
        {...(backlog?.dispatchers_alive === 0 ? { tone: 'bad' as const } : {})}
      />
    </dl>
  );
}

function BacklogTile({ backlog }: { backlog: Backlog | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  // of clocks that differ a little the wait must not be negative; one that is due just now does not wait
  const age = backlog?.oldest_due_at ? Date.now() - Date.parse(backlog.oldest_due_at) : 0;
  const number = backlog ? format.number(backlog.waiting) : undefined;
  return (
    <Tile
      label={t('overview.tiles.backlog')}
      hint={t('overview.tiles.backlogHint')}
      value={backlog?.waits_for_more && number ? t('overview.tiles.moreThan', { number }) : number}
      detail={
        backlog &&
        (age > 1_000
          ? t('overview.tiles.backlogOldest', { duration: format.duration(age) })
          : t('overview.tiles.backlogNone'))
      }
      {...(age > 300_000 ? { tone: 'bad' as const } : age > 60_000 ? { tone: 'warn' as const } : {})}
    />
  );
}

function Tile({ label, hint, value, detail, tone }: TileProps) {
  return (
    <div className={classes.tile}>
      <dt>
        <Tooltip label={hint} multiline maw={280}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: its explanation must be reachable by keyboard */}
          <span className={classes.tileLabel} tabIndex={0}>
            {label}
          </span>
        </Tooltip>
      </dt>
      <dd className={classes.tileValue} data-tone={tone}>
        {value ?? <Skeleton height={26} width="55%" my={4} />}
      </dd>
      <dd className={classes.tileDetail}>
        {value === undefined ? <Skeleton height={11} width="80%" my={4} /> : detail}
      </dd>
    </div>
  );
}
