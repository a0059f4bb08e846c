// Figures of a time, how receivers fare, and what waits.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type Schema, tenantApi, unwrap } from '..';
import { LIVE_LIST } from '../live';

export type Statistics = Schema<'Statistics'>;
export type Series = Schema<'Series'>;
export type Step = Schema<'Step'>;
export type Health = Schema<'Health'>;
export type Backlog = Schema<'Backlog'>;

/** Figures are folded together some seconds after what they count. */
const LIVE_FIGURES = 5_000;

/** `since` moves on with the clock where a length is given; a fixed time has both ends. */
export type Span = {
  bucket: Schema<'Bucket'>;
  range: { ms: number } | { since: string; until: string | undefined };
};

export const statisticsKeys = {
  all: ['statistics'] as const,
  totals: (span: Span) => ['statistics', 'totals', span] as const,
  series: (span: Span) => ['statistics', 'series', span] as const,
  health: (limit: number) => ['statistics', 'health', limit] as const,
  backlog: () => ['statistics', 'backlog'] as const,
};

export function useStatistics(span: Span) {
  return useQuery({
    queryKey: statisticsKeys.totals(span),
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/statistics', { params: { query: { ...timesOf(span) } }, signal })),
    refetchInterval: LIVE_FIGURES,
    placeholderData: keepPreviousData,
  });
}

export function useSeries(span: Span) {
  return useQuery({
    queryKey: statisticsKeys.series(span),
    queryFn: ({ signal }) =>
      unwrap(
        tenantApi.GET('/statistics/series', { params: { query: { bucket: span.bucket, ...timesOf(span) } }, signal }),
      ),
    refetchInterval: LIVE_FIGURES,
    placeholderData: keepPreviousData,
  });
}

/** Receivers, the worst first. */
export function useWorstReceivers(limit: number) {
  return useQuery({
    queryKey: statisticsKeys.health(limit),
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/statistics/health', { params: { query: { limit } }, signal })),
    refetchInterval: LIVE_LIST,
  });
}

export function useBacklog() {
  return useQuery({
    queryKey: statisticsKeys.backlog(),
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/statistics/backlog', { signal })),
    refetchInterval: LIVE_LIST,
  });
}

function timesOf({ range }: Span): { since: string; until?: string } {
  if ('ms' in range) return { since: new Date(Date.now() - range.ms).toISOString() };
  return range.until === undefined ? { since: range.since } : { since: range.since, until: range.until };
}
