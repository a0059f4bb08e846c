// Finds out what a token is (a tenant's key, the operator's token, a portal's token) and what it may do.
import { type Credentials, connect, unwrap } from '../api/client';
import { ApiProblem } from '../api/problem';
import type { Permission, Session, Stored } from './store';

const ALL: readonly Permission[] = ['read', 'publish', 'manage', 'keys'];
type Caller = { tenant: { id: string; name: string }; permissions: Permission[]; expiresAt: string | null };

/** Throws `ApiProblem` with status 401 when nobody knows the token, and with 403 when it may not read. */
export async function identify({ token, tenantId, isPortal }: Stored): Promise<Session> {
  const isKey = token.startsWith('phk_');
  if (!isKey && !isPortal) {
    const operator = await identifyOperator(token, tenantId);
    if (operator !== null) return operator;
  }
  const caller = await whoCalls({ token, tenantId: null });
  // `/caller` needs no scope, every screen does
  if (!caller.permissions.includes('read')) throw new ApiProblem(403, { scope: 'read' });
  return { token, kind: isPortal ? 'portal' : 'key', ...caller };
}

/** Null when the token is not the operator's. */
async function identifyOperator(token: string, wanted: string | null): Promise<Session | null> {
  const { adminApi } = connect(
    () => ({ token, tenantId: null }),
    () => {},
  );
  try {
    const { data } = await unwrap(adminApi.GET('/tenants', { params: { query: { limit: 500 } } }));
    const tenant = data.find(({ id }) => id === wanted) ?? data.find(({ disabled_at }) => !disabled_at) ?? data[0];
    if (tenant === undefined) return { token, kind: 'admin', tenant: null, permissions: ALL, expiresAt: null };
    const caller = await whoCalls({ token, tenantId: tenant.id });
    return { token, kind: 'admin', ...caller };
  } catch (error) {
    // 401: not the operator's token; 404: this server has no operator's API
    if (error instanceof ApiProblem && (error.status === 401 || error.status === 404)) return null;
    throw error;
  }
}

async function whoCalls(who: Credentials): Promise<Caller> {
  const { tenantApi } = connect(
    () => who,
    () => {},
  );
  const caller = await unwrap(tenantApi.GET('/caller'));
  return {
    tenant: { id: caller.tenant_id, name: caller.tenant_name },
    permissions: ALL.filter((one) => caller.permissions.includes(one)),
    expiresAt: caller.expires_at ?? null,
  };
}
