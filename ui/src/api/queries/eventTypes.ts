// One event type, and the changes of the tenant's own. The whole catalogue is read by `useEventCatalogue`.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type Schema, tenantApi, unwrap } from '..';

export type EventType = Schema<'EventType'>;
/** `etag`: of the state that was read, for a change that must not undo somebody else's. */
export type EventTypeRead = { type: Schema<'EventTypeRecord'>; etag: string | undefined };

export const eventTypeKeys = {
  all: ['event-types'] as const,
  one: (name: string) => ['event-types', 'one', name] as const,
};

export function useEventType(name: string) {
  return useQuery({
    queryKey: eventTypeKeys.one(name),
    queryFn: async ({ signal }): Promise<EventTypeRead> => {
      const asked = tenantApi.GET('/event-types/{name}', { params: { path: { name } }, signal });
      const type = await unwrap(asked);
      return { type, etag: (await asked).response.headers.get('ETag') ?? undefined };
    },
  });
}

export function useCreateEventType() {
  return useChange((body: Schema<'EventTypeInput'>) => unwrap(tenantApi.POST('/event-types', { body })));
}

type Change = { name: string; etag: string | undefined; body: Schema<'EventTypeChange'> };

export function useUpdateEventType() {
  return useChange(({ name, etag, body }: Change) => {
    const header = etag === undefined ? {} : { 'If-Match': etag };
    return unwrap(tenantApi.PATCH('/event-types/{name}', { params: { path: { name }, header }, body }));
  });
}

export function useDeleteEventType() {
  return useChange((name: string) => unwrap(tenantApi.DELETE('/event-types/{name}', { params: { path: { name } } })));
}

function useChange<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const cache = useQueryClient();
  return useMutation({ mutationFn, onSuccess: () => cache.invalidateQueries({ queryKey: eventTypeKeys.all }) });
}
