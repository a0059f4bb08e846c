// Events: the list, one with its payload, publishing and cancelling; and the names of the catalogue.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { memberText, prettyJson } from '../../format/rawJson';
import { type Schema, tenantApi, unwrap } from '..';
import { LIVE_LIST } from '../live';
import { deliveryKeys } from './deliveries';

export type EventHead = Schema<'EventHead'>;
export type EventFilter = {
  event?: string;
  resource_type?: string;
  resource_id?: string;
  fanout?: string;
  payload?: string;
  since?: string;
  until?: string;
  cursor?: string;
  limit?: number;
};
/** Payload and metadata with the digits of their numbers. */
export type EventRecord = Schema<'Event'> & { payloadText: string; metadataText: string | null };

export const eventKeys = {
  all: ['events'] as const,
  list: (filter: EventFilter) => ['events', 'list', filter] as const,
  one: (id: string) => ['events', 'one', id] as const,
};

export function useEvents(filter: EventFilter, enabled = true) {
  return useQuery({
    queryKey: eventKeys.list(filter),
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/events', { params: { query: filter }, signal })),
    refetchInterval: filter.payload ? 5 * LIVE_LIST : LIVE_LIST,
    placeholderData: keepPreviousData,
    enabled,
  });
}

export function useEvent(id: string) {
  return useQuery({
    queryKey: eventKeys.one(id),
    queryFn: async ({ signal }): Promise<EventRecord> => {
      const text = await unwrap(tenantApi.GET('/events/{id}', { params: { path: { id } }, parseAs: 'text', signal }));
      const metadata = memberText(text, 'metadata');
      return {
        // the document promises an event
        ...(JSON.parse(text) as Schema<'Event'>),
        payloadText: prettyJson(memberText(text, 'payload') ?? 'null'),
        metadataText: metadata === undefined || metadata === 'null' ? null : prettyJson(metadata),
      };
    },
    refetchInterval: LIVE_LIST,
  });
}

export function useDeliveriesOfEvent(id: string) {
  const query = { limit: 50 };
  return useQuery({
    queryKey: [...deliveryKeys.all, 'of-event', id],
    queryFn: ({ signal }) =>
      unwrap(tenantApi.GET('/events/{id}/deliveries', { params: { path: { id }, query }, signal })),
    refetchInterval: LIVE_LIST,
  });
}

/** `payload` is the text of a JSON object: it is sent as it was typed. */
export type NewEvent = { event: string; payload: string; resource_type?: string; resource_id?: string };

export function usePublishEvent() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ payload, ...rest }: NewEvent) =>
      unwrap(
        tenantApi.POST('/events', {
          body: { ...rest, payload: {} },
          bodySerializer: () => `${JSON.stringify(rest).slice(0, -1)},"payload":${payload}}`,
        }),
      ),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: eventKeys.all });
      void cache.invalidateQueries({ queryKey: deliveryKeys.all });
    },
  });
}

export function useCancelEvent() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => unwrap(tenantApi.POST('/events/{id}/cancel', { params: { path: { id } } })),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: eventKeys.all });
      void cache.invalidateQueries({ queryKey: deliveryKeys.all });
    },
  });
}

/** Names of the catalogue, to choose from. */
export function useEventNames(): string[] {
  const { data } = useQuery({
    queryKey: ['event-types', 'names'],
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/event-types', { signal })),
    staleTime: 60_000,
  });
  return [...new Set(data?.data.flatMap(({ types }) => types.map(({ name }) => name)) ?? [])];
}
