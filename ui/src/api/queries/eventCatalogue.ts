// The catalogue of event types as choosers need it.
import { useQuery } from '@tanstack/react-query';
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

/** One type with its example. */
export function useEventExample(name: string | null) {
  return useQuery({
    queryKey: ['event-types', 'record', name] as const,
    queryFn: ({ signal }) =>
      unwrap(tenantApi.GET('/event-types/{name}', { params: { path: { name: name ?? '' } }, signal })),
    enabled: name !== null,
    staleTime: 60_000,
  });
}

/** Whether an event name is wanted by a pattern, as the server decides it. */
export function isWanted(pattern: string, name: string): boolean {
  if (pattern === '*') return !name.startsWith('posthorn.');
  return pattern.endsWith('.*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
