// Small figures of a webhook, the same in the table, the short list and the panel.
import { Skeleton, Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { WebhookFigures } from '../../api/queries/webhookFigures';
import { useFormat } from '../../format';
import { StatusBadge } from '../../parts/StatusBadge';
import classes from './webhooks.module.css';

type Props = { figures: WebhookFigures | undefined; isLoading: boolean };

/** Healthy, degraded, failing; nothing for one that is switched off, whose status says it. */
export function HealthCell({ figures, isLoading }: Props) {
  const { t } = useTranslation();
  if (figures === undefined) return <Absent isLoading={isLoading} />;
  const { state, reason } = figures.health;
  if (state === 'paused' || state === 'suspended') return <>{t('common.none')}</>;
  const badge = <StatusBadge status={state} />;
  if (!reason) return badge;
  return (
    <Tooltip label={<bdi>{reason}</bdi>} multiline maw={320}>
      <span className={classes.explained}>{badge}</span>
    </Tooltip>
  );
}

export function SuccessCell({ figures, isLoading }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  if (figures === undefined) return <Absent isLoading={isLoading} />;
  const rate = figures.totals.success_rate;
  if (typeof rate !== 'number') return <span className={classes.quiet}>{t('common.none')}</span>;
  return (
    <span data-tone={rate < 0.95 ? 'bad' : undefined} className={classes.figure}>
      {format.percent(rate)}
    </span>
  );
}

export function WaitingCell({ figures, isLoading }: Props) {
  const format = useFormat();
  if (figures === undefined) return <Absent isLoading={isLoading} />;
  const count = format.number(figures.waiting);
  return <span className={classes.figure}>{figures.waits_for_more ? `${count}+` : count}</span>;
}

function Absent({ isLoading }: { isLoading: boolean }) {
  const { t } = useTranslation();
  return isLoading ? <Skeleton height={12} width={48} radius="sm" display="inline-block" /> : t('common.none');
}
