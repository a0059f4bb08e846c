// Why a delivery will or won't be sent again, and when: in one or two sentences.
import type { TFunction } from 'i18next';
import type { Schema } from '../../api';
import { type Delivery, TERMINAL } from '../../api/queries/deliveries';
import type { Format } from '../../format';
import { errorKindWords } from './result';

type Known = {
  /** Undefined while it is awaited, null when it was deleted. */
  subscription: Schema<'Subscription'> | null | undefined;
  health: Schema<'Health'> | undefined;
};

export function outlook(delivery: Delivery, { subscription, health }: Known, t: TFunction, format: Format): string {
  const now = Date.now();
  const said = (time: string) => ({ when: format.relative(time, now), exact: format.dateTime(time) });
  const isDue = !delivery.due_at || Date.parse(delivery.due_at) <= now;
  if (TERMINAL.includes(delivery.status)) return ended(delivery, t, format);
  if (delivery.status === 'sending') return t('deliveries.why.sending', { n: format.number(delivery.attempts + 1) });
  if (subscription === null) return t('deliveries.why.deleted');
  if (subscription?.status === 'inactive') return t('deliveries.why.inactive');
  if (subscription?.status === 'suspended') {
    return t('deliveries.why.suspended', { reason: subscription.status_reason ?? t('deliveries.why.unknown') });
  }
  if (health?.circuit === 'open') {
    return health.retry_at ? t('deliveries.why.circuit', said(health.retry_at)) : t('deliveries.why.circuitPlain');
  }
  if (delivery.status === 'retrying') {
    const values = {
      n: format.number(delivery.attempts),
      next: format.number(delivery.attempts + 1),
      reason: reasonOf(delivery, t),
    };
    const next =
      isDue || !delivery.due_at
        ? t('deliveries.why.retryingDue', values)
        : t('deliveries.why.retrying', { ...values, ...said(delivery.due_at) });
    return `${next} ${left(delivery, subscription, t, format)}`.trim();
  }
  if (!delivery.due_at) return t('deliveries.why.ordered');
  return isDue ? t('deliveries.why.due') : t('deliveries.why.later', said(delivery.due_at));
}

function ended(delivery: Delivery, t: TFunction, format: Format): string {
  const count = delivery.attempts;
  const n = format.number(count);
  switch (delivery.status) {
    case 'delivered':
      return delivery.last_status_code
        ? t('deliveries.why.delivered', { n, code: delivery.last_status_code })
        : t('deliveries.why.deliveredPlain', { n });
    case 'failed':
      return t(count > 0 ? 'deliveries.why.failed' : 'deliveries.why.failedUnsent', {
        n,
        reason: reasonOf(delivery, t),
      });
    case 'abandoned':
      return t('deliveries.why.abandoned', { count, n, reason: reasonOf(delivery, t) });
    default:
      return t('deliveries.why.cancelled');
  }
}

/** How many retries follow the next attempt. */
function left(delivery: Delivery, subscription: Known['subscription'], t: TFunction, format: Format): string {
  if (!subscription) return '';
  const most = subscription.max_retries ?? subscription.retry_schedule?.length;
  if (most === undefined) return t('deliveries.why.leftBySchedule');
  const count = most - delivery.attempts;
  return count > 0 ? t('deliveries.why.left', { count, n: format.number(count) }) : t('deliveries.why.last');
}

function reasonOf({ last_status_code: code, last_error_kind: kind }: Delivery, t: TFunction): string {
  const words = [code && t('deliveries.http', { code }), kind && errorKindWords(kind, t)].filter(Boolean);
  return words.join(', ') || t('deliveries.why.unknown');
}
