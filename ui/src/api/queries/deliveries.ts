// Deliveries: the list, one with its attempts, and what may be done to one.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { memberText, prettyJson } from '../../format/rawJson';
import { type Schema, tenantApi, unwrap } from '..';
import { LIVE_LIST } from '../live';

export type Delivery = Schema<'Delivery'>;
export type DeliveryFilter = {
  status?: string;
  event?: string;
  subscription_id?: string;
  event_id?: string;
  error_kind?: string;
  status_code?: number;
  since?: string;
  until?: string;
  resource_type?: string;
  resource_id?: string;
  payload?: string;
  cursor?: string;
  limit?: number;
};
/** `payloadText`: the payload with the digits of its numbers; null when it is no longer kept. */
export type DeliveryRecord = Schema<'DeliveryRecord'> & { payloadText: string | null };

export const deliveryKeys = {
  all: ['deliveries'] as const,
  list: (filter: DeliveryFilter) => ['deliveries', 'list', filter] as const,
  one: (id: string) => ['deliveries', 'one', id] as const,
  request: (id: string) => ['deliveries', 'request', id] as const,
};

export const TERMINAL: readonly string[] = ['delivered', 'failed', 'abandoned', 'cancelled'];

/** One page of the list, kept fresh while it is visible. */
export function useDeliveries(filter: DeliveryFilter, enabled = true) {
  return useQuery({
    queryKey: deliveryKeys.list(filter),
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/deliveries', { params: { query: filter }, signal })),
    // a search over payloads costs the database something: less often
    refetchInterval: filter.payload ? 5 * LIVE_LIST : LIVE_LIST,
    placeholderData: keepPreviousData,
    enabled,
  });
}

export function useDelivery(id: string) {
  return useQuery({
    queryKey: deliveryKeys.one(id),
    queryFn: async ({ signal }): Promise<DeliveryRecord> => {
      const text = await unwrap(
        tenantApi.GET('/deliveries/{id}', { params: { path: { id } }, parseAs: 'text', signal }),
      );
      // the document promises a delivery; its payload is read a second time, as text
      const delivery = JSON.parse(text) as Schema<'DeliveryRecord'>;
      const payload = memberText(text, 'payload');
      return { ...delivery, payloadText: payload === undefined || payload === 'null' ? null : prettyJson(payload) };
    },
    refetchInterval: LIVE_LIST,
  });
}

/** The request as it would be sent now. Requests of the past are not stored: they would hold signatures. */
export function useRequest({ id, subscription_id, event_id }: Delivery, enabled: boolean) {
  return useQuery({
    queryKey: deliveryKeys.request(id),
    queryFn: ({ signal }) => {
      const params = { path: { id: subscription_id } };
      return unwrap(tenantApi.POST('/subscriptions/{id}/preview', { params, body: { event_id }, signal }));
    },
    enabled,
    staleTime: 30_000,
  });
}

export function useRetryDelivery() {
  return useChange((id) => unwrap(tenantApi.POST('/deliveries/{id}/retry', { params: { path: { id } } })));
}

export function useCancelDelivery() {
  return useChange((id) => unwrap(tenantApi.POST('/deliveries/{id}/cancel', { params: { path: { id } } })));
}

function useChange(mutationFn: (id: string) => Promise<Delivery>) {
  const cache = useQueryClient();
  return useMutation({ mutationFn, onSuccess: () => cache.invalidateQueries({ queryKey: deliveryKeys.all }) });
}
