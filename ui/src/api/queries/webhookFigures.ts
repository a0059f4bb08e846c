// How the webhooks of a page fare: health, success of the last day, what waits.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type Schema, tenantApi, unwrap } from '..';
import { LIVE_LIST } from '../live';

export type WebhookFigures = Schema<'ListedSubscription'>;
export type FiguresById = ReadonlyMap<string, WebhookFigures>;

/** One request for all of `ids` (up to 100), kept fresh. */
export function useWebhookFigures(ids: readonly string[]) {
  return useQuery({
    queryKey: ['subscriptions', 'figures', ids] as const,
    queryFn: ({ signal }) => readFigures(ids, signal),
    enabled: ids.length > 0,
    refetchInterval: LIVE_LIST,
    placeholderData: keepPreviousData,
  });
}

/** When something last came of it: accepted or failed, whichever was later. */
export function lastDelivery(health: Schema<'Health'>): string | null {
  const times = [health.last_delivered_at, health.last_failed_at].filter((time) => typeof time === 'string');
  return times.sort((a, b) => Date.parse(b) - Date.parse(a))[0] ?? null;
}

async function readFigures(ids: readonly string[], signal: AbortSignal): Promise<FiguresById> {
  const query = { subscription_ids: ids.join(',') };
  const { data } = await unwrap(tenantApi.GET('/statistics/subscriptions', { params: { query }, signal }));
  return new Map(data.map((one) => [one.subscription_id, one]));
}

/** The same and more of one. */
export function useWebhookStatistics(id: string) {
  return useQuery({
    queryKey: ['subscriptions', 'statistics', id] as const,
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/subscriptions/{id}/stats', { params: { path: { id } }, signal })),
    refetchInterval: LIVE_LIST,
  });
}
