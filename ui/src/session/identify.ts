// Finds out what a token is (a tenant's key, the operator's token, a portal's token) and what it may do.
import { type Credentials, connect, unwrap } from '../api/client';
import { ApiProblem } from '../api/problem';
import type { AdminSchema } from '../api/types';
import type { Permission, Session, Stored } from './store';

const ALL: readonly Permission[] = ['read', 'publish', 'manage', 'keys'];
type Caller = { tenant: { id: string; name: string }; permissions: Permission[]; expiresAt: string | null };

/** As issuers of tokens sign them (RFC 7519): hardly the operator's. */
const JWT = /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/;

/** Throws `ApiProblem` with status 401 when nobody knows the token, and with 403 when it may not read. */
export async function identify({ token, tenantId, isPortal }: Stored): Promise<Session> {
  const isTenants = token.startsWith('phk_') || JWT.test(token);
  if (!isTenants && !isPortal) {
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
    // the one that was looked at may be none of the newest
    const params = { path: { id: wanted ?? '' } };
    const known = wanted === null ? null : await unwrap(adminApi.GET('/tenants/{id}', { params })).catch(unlessGone);
    const tenant = known ?? first((await unwrap(adminApi.GET('/tenants', { params: { query: { limit: 500 } } }))).data);
    if (tenant === undefined) return { token, kind: 'admin', tenant: null, permissions: ALL, expiresAt: null };
    const caller = await whoCalls({ token, tenantId: tenant.id });
    return { token, kind: 'admin', ...caller };
  } catch (error) {
    // 401: not the operator's token; 404: this server has no operator's API
    if (error instanceof ApiProblem && (error.status === 401 || error.status === 404)) return null;
    throw error;
  }
}

const first = (tenants: AdminSchema<'Tenant'>[]) => tenants.find(({ disabled_at }) => !disabled_at) ?? tenants[0];

/** Null for a tenant that is not there (404), or an id that is none (400). */
function unlessGone(error: unknown): null {
  if (error instanceof ApiProblem && (error.status === 404 || error.status === 400)) return null;
  throw error;
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
