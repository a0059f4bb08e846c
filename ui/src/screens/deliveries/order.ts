// From the filters in the address to what a job can be asked for.
import type { JobKind, Order } from '../../api/queries/jobs';
import { type DeliverySearch, type FilterName, namesInUse, toFilter } from './search';

/** The statuses that each kind is about; those that count when nothing is said come first, up to `DEFAULT`. */
export const STATUSES_OF: Record<JobKind, readonly string[]> = {
  retry: ['failed', 'abandoned', 'cancelled', 'retrying'],
  cancel: ['pending', 'retrying'],
  replay: ['delivered', 'failed', 'abandoned', 'cancelled'],
  backfill: [],
};
export const DEFAULT: Record<JobKind, number> = { retry: 2, cancel: 2, replay: 4, backfill: 0 };

const UNUSABLE: readonly FilterName[] = ['event_id', 'resource_type', 'resource_id', 'payload'];

export function isJobKind(word: string | undefined): word is JobKind {
  return word !== undefined && Object.hasOwn(STATUSES_OF, word);
}

/** Filters that retry and cancel of many do not have. */
export function unusable(search: DeliverySearch): FilterName[] {
  return namesInUse(search).filter((name) => UNUSABLE.includes(name));
}

/** What a dialog of this kind begins with. */
export function firstOrder(kind: JobKind, search: DeliverySearch): Order {
  const { subscription_id, event, error_kind, status_code, since, until, status } = toFilter(search);
  const wanted = status?.toLowerCase();
  const fits = wanted !== undefined && STATUSES_OF[kind].includes(wanted);
  const statuses = fits ? [wanted] : STATUSES_OF[kind].slice(0, DEFAULT[kind]);
  if (kind === 'retry' || kind === 'cancel') {
    return { kind, since, until, subscription_id, event, error_kind, status_code, status: statuses };
  }
  const range = { since: since ?? aDayAgo(), until, subscription_id };
  return kind === 'backfill' ? { kind, ...range } : { kind, ...range, event, status: statuses };
}

/** To the full minute, as fields show it. */
function aDayAgo(): string {
  return new Date(Math.floor(Date.now() / 60_000) * 60_000 - 86_400_000).toISOString();
}

/** Whether it can be counted: replay and backfill need a webhook and a beginning. */
export function isWhole({ kind, subscription_id, since, status, status_code }: Order): boolean {
  // as JSON it would be null, which is no filter at all
  if (Number.isNaN(status_code)) return false;
  if (kind !== 'backfill' && (status?.length ?? 0) === 0) return false;
  return kind === 'retry' || kind === 'cancel' || (Boolean(subscription_id) && Boolean(since));
}
