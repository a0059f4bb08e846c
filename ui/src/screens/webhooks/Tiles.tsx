// The figures of the selected webhook.
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '../../api';
import { lastDelivery } from '../../api/queries/webhookFigures';
import { RelativeTime } from '../../parts/RelativeTime';
import { SuccessCell, WaitingCell } from './Figures';
import classes from './webhooks.module.css';

type Props = { status: ReactNode; statistics: Schema<'SubscriptionStatistics'> | undefined };

export function Tiles({ status, statistics }: Props) {
  const { t } = useTranslation();
  const cell = {
    figures: statistics && { ...statistics, subscription_id: '', oldest_due_at: undefined },
    isLoading: statistics === undefined,
  };
  const isBehind = statistics?.oldest_due_at && statistics.waiting > 0;
  return (
    <dl className={classes.tiles}>
      <Tile name={t('webhooks.columns.status')}>{status}</Tile>
      <Tile name={t('webhooks.columns.success')}>
        <SuccessCell {...cell} />
      </Tile>
      <Tile name={t('webhooks.columns.waiting')}>
        <WaitingCell {...cell} />
        {isBehind && (
          <span className={classes.since}>
            {t('webhooks.panel.oldest')} <RelativeTime at={statistics.oldest_due_at} />
          </span>
        )}
      </Tile>
      <Tile name={t('webhooks.columns.last')}>
        <RelativeTime
          at={statistics && lastDelivery(statistics.health)}
          otherwise={statistics ? t('common.never') : undefined}
        />
      </Tile>
    </dl>
  );
}

function Tile({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={classes.tile}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
