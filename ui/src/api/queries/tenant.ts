// The tenant that is looked at, as it may change itself.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { isLookedAt } from '../../session/store';
import { type Schema, tenantApi, unwrap } from '..';
import { tenantsKey } from './tenants';

export type Tenant = Schema<'Tenant'>;

const TENANT = ['tenant'] as const;

export function useTenant() {
  return useQuery({
    queryKey: TENANT,
    queryFn: ({ signal }) => unwrap(tenantApi.GET('/tenant', { signal })),
  });
}

export function useUpdateTenant() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<'TenantPatch'>) => unwrap(tenantApi.PATCH('/tenant', { body })),
    onSuccess: async (tenant) => {
      if (isLookedAt(tenant.id)) cache.setQueryData(TENANT, tenant);
      await cache.invalidateQueries({ queryKey: tenantsKey });
    },
  });
}
