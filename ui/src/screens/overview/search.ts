// The time that is shown, in the address bar: a length up to now, or from when until when.
import type { Span } from '../../api/queries/statistics';
import { textsOf } from '../search';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
export const LENGTHS = { '1h': HOUR, '24h': DAY, '7d': 7 * DAY, '30d': 30 * DAY } as const;
export type Length = keyof typeof LENGTHS;
export const LONGEST = 730 * DAY;

export type OverviewSearch = { range?: Length | undefined; since?: string | undefined; until?: string | undefined };

/** `since` (and `until`, else now) counts before `range`; what makes no sense is left out. */
export function readOverviewSearch(search: Record<string, unknown>): OverviewSearch {
  const { range, since, until } = textsOf(search, ['range', 'since', 'until']);
  const from = Date.parse(since ?? '');
  const to = until === undefined ? Date.now() : Date.parse(until);
  // every name is there: what is left out stays as it stands in the address
  const none = { range: undefined, since: undefined, until: undefined };
  if (since !== undefined && from < to && to - from <= LONGEST) return { ...none, since, until };
  return { ...none, range: isLength(range) ? range : undefined };
}

export function spanOf(search: OverviewSearch): Span {
  if (search.since === undefined) {
    const range = search.range ?? '24h';
    return { bucket: range === '1h' ? 'minute' : range === '30d' ? 'day' : 'hour', range: { ms: LENGTHS[range] } };
  }
  const from = Date.parse(search.since);
  const length = (search.until === undefined ? Date.now() : Date.parse(search.until)) - from;
  const age = Date.now() - from;
  // minutes are kept for 2 days and hours for 90, and a chart stays readable up to some hundred steps
  const bucket = length <= 6 * HOUR && age < 2 * DAY ? 'minute' : length <= 10 * DAY && age < 90 * DAY ? 'hour' : 'day';
  return { bucket, range: { since: search.since, until: search.until } };
}

function isLength(text: string | undefined): text is Length {
  return text !== undefined && Object.hasOwn(LENGTHS, text);
}
