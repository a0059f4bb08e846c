// What holds a delivery back: its webhook and how its receiver fares.
import { useQuery } from '@tanstack/react-query';
import { ApiProblem, type Schema, tenantApi, unwrap } from '..';
import { readTagged, subscriptionKeys } from './subscriptions';

type Standing = { subscription: Schema<'Subscription'> | null | undefined; health: Schema<'Health'> | undefined };

/** Asked for only while `matters`. The webhook is null when it was deleted. */
export function useStanding(id: string, matters: boolean): Standing {
  const params = { path: { id } };
  const subscription = useQuery({
    queryKey: subscriptionKeys.one(id),
    queryFn: async ({ signal }) => (await readTagged(id, signal)).subscription,
    enabled: matters,
    refetchInterval: 5_000,
  });
  const statistics = useQuery({
    queryKey: [...subscriptionKeys.all, 'statistics', id],
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/subscriptions/{id}/stats', { params, signal })),
    enabled: matters,
    refetchInterval: 5_000,
  });
  const isDeleted = subscription.error instanceof ApiProblem && subscription.error.status === 404;
  return { subscription: isDeleted ? null : subscription.data, health: statistics.data?.health };
}
