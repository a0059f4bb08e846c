// The catalogue of event types as choosers need it.
import { useQuery } from '@tanstack/react-query';
import { memberText, prettyJson } from '../../format/rawJson';
import { type Schema, tenantApi, unwrap } from '..';

export type EventGroup = Schema<'EventGroup'>;

/** By heading. Changes rarely: asked once a minute at most. */
export function useEventCatalogue() {
  return useQuery({
    queryKey: ['event-types', 'catalogue'] as const,
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/event-types', { signal })),
    staleTime: 60_000,
  });
}

/** The catalogue's example of a type, printed; null when there is none. */
export function useEventExample(name: string) {
  return useQuery({
    queryKey: ['event-types', 'example', name],
    queryFn: async ({ signal }) => {
      const params = { path: { name } };
      const text = await unwrap(tenantApi.GET('/event-types/{name}', { params, parseAs: 'text', signal }));
      const example = memberText(text, 'example');
      return example === undefined || example === 'null' ? null : prettyJson(example);
    },
    enabled: /^\w+(\.\w+)+$/.test(name),
    staleTime: 60_000,
    retry: false,
  });
}

/** Whether an event name is wanted by a pattern, as the server decides it. */
export function isWanted(pattern: string, name: string): boolean {
  if (pattern === '*') return !name.startsWith('posthorn.');
  return pattern.endsWith('.*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
