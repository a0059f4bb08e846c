// The operator's list of tenants, and what only the operator may do with one.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type AdminSchema, adminApi, unwrap } from '..';

export type Tenant = AdminSchema<'Tenant'>;

export const tenantsKey = ['tenants'] as const;

/** The newest 500 tenants, for the tenant switcher; only an operator's session may ask. */
export function useTenants(enabled: boolean) {
  return useQuery({
    queryKey: tenantsKey,
    queryFn: ({ signal }) => unwrap(adminApi.GET('/tenants', { params: { query: { limit: 500 } }, signal })),
    enabled,
    staleTime: 30_000,
  });
}

/** One page of them. */
export function useTenantPage(cursor: string | undefined) {
  const query = cursor === undefined ? { limit: 50 } : { limit: 50, cursor };
  return useQuery({
    queryKey: [...tenantsKey, 'page', query],
    queryFn: ({ signal }) => unwrap(adminApi.GET('/tenants', { params: { query }, signal })),
    refetchInterval: 10_000,
    placeholderData: keepPreviousData,
  });
}

export function useCreateTenant() {
  return useChange((body: AdminSchema<'TenantInput'>) => unwrap(adminApi.POST('/tenants', { body })));
}

export function useUpdateTenantAsOperator() {
  return useChange(({ id, body }: { id: string; body: AdminSchema<'TenantPatch'> }) =>
    unwrap(adminApi.PATCH('/tenants/{id}', { params: { path: { id } }, body })),
  );
}

/** The answer has a token in the clear: keep it in component state only. */
export function useCreatePortalLink() {
  return useMutation({
    mutationFn: (body: AdminSchema<'PortalLinkInput'>) => unwrap(adminApi.POST('/portal-links', { body })),
  });
}

function useChange<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn,
    // of the present tenant too, which may be the one that was changed
    onSuccess: () =>
      Promise.all([
        cache.invalidateQueries({ queryKey: tenantsKey }),
        cache.invalidateQueries({ queryKey: ['tenant'] }),
      ]),
  });
}
