// Filters of the delivery list, in the address bar.
import { textsOf } from '../search';

/** `delivery`: the one whose drawer is open. */
const NAMES = [
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
  'delivery',
] as const;

export type DeliverySearch = Partial<Record<(typeof NAMES)[number], string>>;

export const readDeliverySearch = (search: Record<string, unknown>): DeliverySearch => textsOf(search, NAMES);
