// Jobs: retry, replay, backfill and cancel of many, counted first.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type Schema, tenantApi, unwrap } from '..';
import { LIVE_LIST, LIVE_PROGRESS } from '../live';

export type Job = Schema<'Job'>;
export type JobKind = 'retry' | 'cancel' | 'replay' | 'backfill';
export type JobFilter = { state?: string; kind?: string; cursor?: string; limit?: number };
/** What a job is to be about; `subscription_id` is part of the address for replay and backfill. */
export type Order = {
  kind: JobKind;
  subscription_id?: string;
  status?: string[];
  event?: string;
  error_kind?: string;
  status_code?: number;
  since?: string;
  until?: string;
};

export const jobKeys = {
  all: ['jobs'] as const,
  list: (filter: JobFilter) => ['jobs', 'list', filter] as const,
  one: (id: string) => ['jobs', 'one', id] as const,
  estimate: (order: Order) => ['jobs', 'estimate', order] as const,
};

export const isUnfinished = ({ state }: Job) => state === 'waiting' || state === 'running';

export function useJobs(filter: JobFilter) {
  return useQuery({
    queryKey: jobKeys.list(filter),
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/jobs', { params: { query: filter }, signal })),
    refetchInterval: ({ state }) => (state.data?.data.some(isUnfinished) ? LIVE_PROGRESS : LIVE_LIST),
    placeholderData: keepPreviousData,
  });
}

export function useJob(id: string | null) {
  return useQuery({
    queryKey: jobKeys.one(id ?? ''),
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/jobs/{id}', { params: { path: { id: id ?? '' } }, signal })),
    enabled: id !== null,
    refetchInterval: ({ state }) => (state.data && !isUnfinished(state.data) ? false : LIVE_PROGRESS),
  });
}

/** How many it would be about. */
export function useEstimate(order: Order | null) {
  return useQuery({
    queryKey: jobKeys.estimate(order ?? { kind: 'retry' }),
    queryFn: async () => {
      const said = await ask(order ?? { kind: 'retry' }, true);
      return { total: said.total, is_total_exact: said.is_total_exact };
    },
    enabled: order !== null,
    staleTime: 0,
    gcTime: 0,
  });
}

export function useStartJob() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async (order: Order): Promise<Job> => {
      const said = await ask(order, false);
      if (!('id' in said)) throw new Error('the answer is no job');
      cache.setQueryData(jobKeys.one(said.id), said);
      return said;
    },
    onSuccess: () => cache.invalidateQueries({ queryKey: ['jobs', 'list'] }),
  });
}

export function useCancelJob() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => unwrap(tenantApi.POST('/jobs/{id}/cancel', { params: { path: { id } } })),
    onSuccess: () => cache.invalidateQueries({ queryKey: jobKeys.all }),
  });
}

function ask(order: Order, dryRun: boolean): Promise<Job | Schema<'Estimate'>> {
  const { kind, subscription_id, since = '', until, status, event, ...rest } = order;
  const params = { path: { id: subscription_id ?? '' } };
  switch (kind) {
    case 'retry':
    case 'cancel': {
      const body = { ...rest, status, event, until, subscription_id, since: since || undefined, dry_run: dryRun };
      return unwrap(tenantApi.POST(kind === 'retry' ? '/deliveries/retry' : '/deliveries/cancel', { body }));
    }
    case 'replay':
      return unwrap(
        tenantApi.POST('/subscriptions/{id}/replay', {
          params,
          body: { since, until, status, event, dry_run: dryRun },
        }),
      );
    case 'backfill':
      return unwrap(
        tenantApi.POST('/subscriptions/{id}/backfill', { params, body: { since, until, dry_run: dryRun } }),
      );
  }
}
