// The columns of the table of webhooks.
import { Skeleton } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Subscription } from '../../api/queries/subscriptions';
import { type FiguresById, lastDelivery } from '../../api/queries/webhookFigures';
import type { Column } from '../../parts/DataTable';
import { ForeignText } from '../../parts/ForeignText';
import { RelativeTime } from '../../parts/RelativeTime';
import { StatusBadge } from '../../parts/StatusBadge';
import { HealthCell, SuccessCell, WaitingCell } from './Figures';
import { nameOf, statusOf } from './name';
import classes from './webhooks.module.css';

export function useColumns(figures: FiguresById | undefined): readonly Column<Subscription>[] {
  const { t } = useTranslation();
  return useMemo(() => {
    const of = ({ id }: Subscription) => ({ figures: figures?.get(id), isLoading: figures === undefined });
    return [
      {
        key: 'name',
        header: t('webhooks.columns.name'),
        card: 'title',
        width: '38%',
        render: (row) => (
          <span className={classes.name}>
            <ForeignText line text={nameOf(row)} />
            <span className={classes.url}>
              <ForeignText line mono text={row.url} />
            </span>
          </span>
        ),
      },
      {
        key: 'status',
        header: t('webhooks.columns.status'),
        card: 'corner',
        render: (row) => <StatusBadge status={statusOf(row)} />,
      },
      { key: 'health', header: t('webhooks.columns.health'), render: (row) => <HealthCell {...of(row)} /> },
      {
        key: 'success',
        header: t('webhooks.columns.success'),
        align: 'end',
        render: (row) => <SuccessCell {...of(row)} />,
      },
      {
        key: 'waiting',
        header: t('webhooks.columns.waiting'),
        align: 'end',
        render: (row) => <WaitingCell {...of(row)} />,
      },
      {
        key: 'last',
        header: t('webhooks.columns.last'),
        width: '9.5rem',
        render: (row) => {
          const one = figures?.get(row.id);
          if (figures === undefined) return <Skeleton height={12} width={80} radius="sm" display="inline-block" />;
          return <RelativeTime at={one && lastDelivery(one.health)} otherwise={one ? t('common.never') : undefined} />;
        },
      },
    ];
  }, [figures, t]);
}
