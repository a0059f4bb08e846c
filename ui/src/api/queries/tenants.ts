// The operator's list of tenants, for the tenant switcher.
import { useQuery } from '@tanstack/react-query';
import { adminApi, unwrap } from '..';

/** The newest 500 tenants; only an operator's session may ask. */
export function useTenants(enabled: boolean) {
  return useQuery({
    queryKey: ['tenants'],
    queryFn: ({ signal }) => unwrap(adminApi.GET('/tenants', { params: { query: { limit: 500 } }, signal })),
    enabled,
    staleTime: 30_000,
  });
}
