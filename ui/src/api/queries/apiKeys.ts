// The tenant's API keys, without their secrets.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type Schema, tenantApi, unwrap } from '..';

export type ApiKey = Schema<'ApiKey'>;

const KEYS = ['api-keys'] as const;

export function useApiKeys(cursor: string | undefined) {
  const query = cursor === undefined ? { limit: 50 } : { limit: 50, cursor };
  return useQuery({
    queryKey: [...KEYS, query],
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/api-keys', { params: { query }, signal })),
    refetchInterval: 10_000,
    placeholderData: keepPreviousData,
  });
}

/** The answer has the key in the clear: keep it in component state only. */
export function useCreateApiKey() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<'KeyInput'>) => unwrap(tenantApi.POST('/api-keys', { body })),
    onSuccess: () => cache.invalidateQueries({ queryKey: KEYS }),
  });
}

export function useRevokeApiKey() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => unwrap(tenantApi.DELETE('/api-keys/{id}', { params: { path: { id } } })),
    onSuccess: () => cache.invalidateQueries({ queryKey: KEYS }),
  });
}
