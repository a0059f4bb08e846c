// Webhooks (subscriptions): keys, reads and changes. The example that the other resources follow.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type Schema, tenantApi, unwrap } from '..';
import { LIVE_LIST } from '../live';

export type Subscription = Schema<'Subscription'>;
export type SubscriptionFilter = { active?: Schema<'Active'>; event?: string; cursor?: string; limit?: number };

export const subscriptionKeys = {
  all: ['subscriptions'] as const,
  list: (filter: SubscriptionFilter) => ['subscriptions', 'list', filter] as const,
  one: (id: string) => ['subscriptions', 'one', id] as const,
};

/** One page of the list, kept fresh while it is visible. */
export function useSubscriptions(filter: SubscriptionFilter = {}) {
  return useQuery({
    queryKey: subscriptionKeys.list(filter),
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/subscriptions', { params: { query: filter }, signal })),
    refetchInterval: LIVE_LIST,
    placeholderData: keepPreviousData,
  });
}

export function useSubscription(id: string) {
  return useQuery({
    queryKey: subscriptionKeys.one(id),
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/subscriptions/{id}', { params: { path: { id } }, signal })),
  });
}

/** The answer has the secret in the clear: keep it in component state only. */
export function useCreateSubscription() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<'SubscriptionInput'>) => unwrap(tenantApi.POST('/subscriptions', { body })),
    onSuccess: () => cache.invalidateQueries({ queryKey: subscriptionKeys.all }),
  });
}

export function useDeleteSubscription() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => unwrap(tenantApi.DELETE('/subscriptions/{id}', { params: { path: { id } } })),
    onSuccess: () => cache.invalidateQueries({ queryKey: subscriptionKeys.all }),
  });
}
