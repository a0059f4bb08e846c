// The webhooks beside the panel of the selected one: two lines each, the figures in words.
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Subscription } from '../../api/queries/subscriptions';
import { type FiguresById, lastDelivery } from '../../api/queries/webhookFigures';
import { useFormat } from '../../format';
import { ForeignText } from '../../parts/ForeignText';
import { Pager, type PagerProps } from '../../parts/Pager';
import { RelativeTime } from '../../parts/RelativeTime';
import { StatusBadge } from '../../parts/StatusBadge';
import { nameOf, statusOf } from './name';
import classes from './webhooks.module.css';

type Props = {
  rows: readonly Subscription[];
  figures: FiguresById | undefined;
  selected: string | undefined;
  pager: PagerProps;
};

export function ShortList({ rows, figures, selected, pager }: Props) {
  const { t } = useTranslation();
  return (
    <nav className={classes.short} aria-label={t('webhooks.title')}>
      <ul>
        {rows.map((row) => (
          <li key={row.id}>
            <Link
              to="/webhooks/$id"
              params={{ id: row.id }}
              resetScroll={false}
              className={classes.item}
              aria-current={row.id === selected ? 'true' : undefined}
            >
              <Item row={row} figures={figures} />
            </Link>
          </li>
        ))}
      </ul>
      <Pager {...pager} />
    </nav>
  );
}

function Item({ row, figures }: { row: Subscription; figures: FiguresById | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const one = figures?.get(row.id);
  const rate = one?.totals.success_rate;
  const last = one && lastDelivery(one.health);
  const isOn = row.status === 'active';
  return (
    <>
      <span className={classes.itemTop}>
        <span className={classes.itemName}>
          <bdi dir="auto">{nameOf(row)}</bdi>
        </span>
        <StatusBadge status={isOn && one ? one.health.state : statusOf(row)} />
      </span>
      <span className={classes.url}>
        <ForeignText line mono text={row.url} />
      </span>
      <span className={classes.itemFigures}>
        {one && (
          <span>
            {typeof rate === 'number'
              ? t('webhooks.short.success', { rate: format.percent(rate) })
              : t('webhooks.panel.noneYet')}
          </span>
        )}
        {one?.waiting !== undefined && (
          <span>
            {t('webhooks.short.waiting', {
              count: one.waiting,
              number: format.number(one.waiting) + (one.waits_for_more ? '+' : ''),
            })}
          </span>
        )}
        {last && (
          <span>
            <RelativeTime at={last} />
          </span>
        )}
      </span>
    </>
  );
}
