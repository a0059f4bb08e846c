// One event type, and the changes of the tenant's own. The whole catalogue is read by `useEventCatalogue`.
import { hashKey, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { memberText, prettyJson } from '../../format/rawJson';
import { type Schema, tenantApi, unwrap } from '..';

export type EventType = Schema<'EventType'>;
export type EventTypeRead = {
  type: Schema<'EventTypeRecord'>;
  /** Of the state that was read, for a change that must not undo somebody else's. */
  etag: string | undefined;
  /** As text, so that numbers keep their digits; null when there is none. */
  schemaText: string | null;
  exampleText: string | null;
};
/** Schema and example as they were typed; null takes away. */
export type EventTypeBody = Omit<Schema<'EventTypeChange'>, 'group' | 'json_schema' | 'example'> & {
  group: string | null;
  json_schema: string | null;
  example: string | null;
};

const ALL = ['event-types'] as const;
const oneKey = (name: string) => [...ALL, 'one', name] as const;

export function useEventType(name: string, enabled = true) {
  return useQuery({
    queryKey: oneKey(name),
    queryFn: async ({ signal }): Promise<EventTypeRead> => {
      const asked = tenantApi.GET('/event-types/{name}', { params: { path: { name } }, parseAs: 'text', signal });
      const text = await unwrap(asked);
      return {
        // the document promises an event type
        type: JSON.parse(text) as Schema<'EventTypeRecord'>,
        etag: (await asked).response.headers.get('ETag') ?? undefined,
        schemaText: printed(memberText(text, 'json_schema')),
        exampleText: printed(memberText(text, 'example')),
      };
    },
    enabled,
  });
}

export function useCreateEventType() {
  return useChange(({ name, body }: { name: string; body: EventTypeBody }) => {
    const bodySerializer = () => serialize({ name, ...body }, true);
    return unwrap(tenantApi.POST('/event-types', { body: { name }, bodySerializer }));
  });
}

export function useUpdateEventType() {
  return useChange(({ name, etag, body }: { name: string; etag: string | undefined; body: EventTypeBody }) => {
    const header = etag === undefined ? {} : { 'If-Match': etag };
    const bodySerializer = () => serialize(body, false);
    return unwrap(
      tenantApi.PATCH('/event-types/{name}', { params: { path: { name }, header }, body: {}, bodySerializer }),
    );
  });
}

export function useDeleteEventType() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => unwrap(tenantApi.DELETE('/event-types/{name}', { params: { path: { name } } })),
    onSuccess: (_, name) => {
      // read anew when it is opened again (a common type may have stood behind it), not while it is still shown: it would not be found
      void cache.invalidateQueries({ queryKey: oneKey(name), refetchType: 'none' });
      return cache.invalidateQueries({
        queryKey: ALL,
        predicate: ({ queryHash }) => queryHash !== hashKey(oneKey(name)),
      });
    },
  });
}

function useChange<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const cache = useQueryClient();
  return useMutation({ mutationFn, onSuccess: () => cache.invalidateQueries({ queryKey: ALL }) });
}

function serialize({ json_schema, example, ...rest }: EventTypeBody & { name?: string }, isNew: boolean): string {
  const given = Object.entries(rest).map(([name, value]) => [name, JSON.stringify(value)] as const);
  const members = [...given, ['json_schema', json_schema ?? 'null'] as const, ['example', example ?? 'null'] as const];
  // a new one has nothing that null could take away
  const sent = members.filter(([, text]) => !isNew || text !== 'null');
  return `{${sent.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join()}}`;
}

function printed(text: string | undefined): string | null {
  return text === undefined || text === 'null' ? null : prettyJson(text);
}
