// Who changed what.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type Schema, tenantApi, unwrap } from '..';
import { LIVE_LIST } from '../live';

export type AuditEntry = Schema<'AuditEntry'>;
export type AuditFilter = { action?: string; target_id?: string; since?: string; until?: string; cursor?: string };

export function useAuditLog(filter: AuditFilter) {
  return useQuery({
    queryKey: ['audit-log', filter],
    queryFn: ({ signal }) =>
      unwrap(tenantApi.GET('/audit-log', { params: { query: { limit: 50, ...filter } }, signal })),
    refetchInterval: LIVE_LIST * 2,
    placeholderData: keepPreviousData,
  });
}
