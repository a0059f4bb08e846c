// How the webhooks of a page fare: health, success of the last day, what waits.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { ApiProblem, type Schema, tenantApi, unwrap } from '..';
import { LIVE_LIST } from '../live';

export type WebhookFigures = {
  subscription_id: string;
  health: Schema<'Health'>;
  /** Undefined where the server does not say. */
  waiting: number | undefined;
  waits_for_more: boolean;
  oldest_due_at: string | null | undefined;
  totals: Pick<Schema<'Figures'>, 'attempts' | 'delivered' | 'failed' | 'abandoned' | 'retried' | 'success_rate'>;
};
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
  try {
    const { data } = await readOfPage(ids, signal);
    return new Map(data.map((one) => [one.subscription_id, one]));
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return readOfOlderServer(signal);
    throw error;
  }
}

// REMOVE the cast when `/statistics/subscriptions` is in openapi/posthorn.yaml, and what serves older servers below.
type Ask = (
  path: string,
  init: object,
) => Promise<{ data?: { data: WebhookFigures[] }; error?: unknown; response: Response }>;

function readOfPage(ids: readonly string[], signal: AbortSignal): Promise<{ data: WebhookFigures[] }> {
  const ask = tenantApi.GET as unknown as Ask;
  return unwrap(ask('/statistics/subscriptions', { params: { query: { subscription_ids: ids.join(',') } }, signal }));
}

async function readOfOlderServer(signal: AbortSignal): Promise<FiguresById> {
  const [health, figures] = await Promise.all([
    unwrap(tenantApi.GET('/statistics/health', { params: { query: { limit: 500 } }, signal })),
    unwrap(tenantApi.GET('/statistics', { signal })),
  ]);
  const none = { attempts: 0, delivered: 0, failed: 0, abandoned: 0, retried: 0, success_rate: null };
  return new Map(
    health.data.map((one) => {
      const totals = figures.by_subscription.find(({ subscription_id }) => subscription_id === one.subscription_id);
      const id = one.subscription_id;
      return [
        id,
        {
          subscription_id: id,
          health: one,
          waiting: undefined,
          waits_for_more: false,
          oldest_due_at: undefined,
          totals: totals ?? none,
        },
      ];
    }),
  );
}

/** The same and more of one. */
export function useWebhookStatistics(id: string) {
  return useQuery({
    queryKey: ['subscriptions', 'statistics', id] as const,
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/subscriptions/{id}/stats', { params: { path: { id } }, signal })),
    refetchInterval: LIVE_LIST,
  });
}
