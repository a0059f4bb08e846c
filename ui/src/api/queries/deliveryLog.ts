// The delivery log of one webhook, newest first.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { tenantApi, unwrap } from '..';
import { LIVE_LIST } from '../live';

export type LogFilter = { status?: string; cursor?: string; limit?: number };

export function useDeliveryLog(id: string, filter: LogFilter) {
  return useQuery({
    queryKey: ['deliveries', 'of-subscription', id, filter] as const,
    queryFn: ({ signal }) =>
      unwrap(tenantApi.GET('/subscriptions/{id}/deliveries', { params: { path: { id }, query: filter }, signal })),
    refetchInterval: LIVE_LIST,
    placeholderData: keepPreviousData,
  });
}
