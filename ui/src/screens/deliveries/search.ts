// Filters of the delivery list, in the address bar.
import type { DeliveryFilter } from '../../api/queries/deliveries';
import { textsOf } from '../search';

export const FILTERS = [
  'status',
  'event',
  'subscription_id',
  'event_id',
  'error_kind',
  'status_code',
  'since',
  'until',
  'resource_type',
  'resource_id',
  'payload',
] as const;
/** `delivery`: the one whose drawer is open; `do`: the bulk dialog that is open (`retry`, `cancel`, `replay`, `backfill`). */
const NAMES = [...FILTERS, 'delivery', 'do'] as const;

export type DeliverySearch = Partial<Record<(typeof NAMES)[number], string>>;
export type FilterName = (typeof FILTERS)[number];

export const readDeliverySearch = (search: Record<string, unknown>): DeliverySearch => textsOf(search, NAMES);

/** What the list is asked for. */
export function toFilter(search: DeliverySearch): DeliveryFilter {
  const found: Partial<Record<FilterName, string>> = {};
  for (const name of FILTERS) if (search[name]) found[name] = search[name];
  const { status_code, ...rest } = found;
  return status_code ? { ...rest, status_code: Number(status_code) } : rest;
}

export function namesInUse(search: DeliverySearch): FilterName[] {
  return FILTERS.filter((name) => search[name]);
}
