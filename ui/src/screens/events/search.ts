// Filters of the event list, in the address bar.
import { textsOf } from '../search';

/** `id`: the event whose drawer is open; `publish`: the dialog to publish one is, with this type unless it is `new`. */
const NAMES = [
  'event',
  'resource_type',
  'resource_id',
  'fanout',
  'payload',
  'since',
  'until',
  'id',
  'publish',
] as const;

export type EventSearch = Partial<Record<(typeof NAMES)[number], string>>;

export const readEventSearch = (search: Record<string, unknown>): EventSearch => textsOf(search, NAMES);
