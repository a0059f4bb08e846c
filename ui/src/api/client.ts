// The two generated clients. They put the session's credentials on every request and turn refusals into errors.
import createClient, { type Client, type Middleware } from 'openapi-fetch';
import type { paths as TenantPaths } from './generated/posthorn';
import type { paths as AdminPaths } from './generated/posthorn-admin';
import { ApiProblem, Unreachable } from './problem';

export type Credentials = { token: string; tenantId: string | null };

/** Where the API is: beside the page, whatever path that is served under. */
export const apiRoot = new URL('api/v1/', new URL('.', window.location.href)).href;

/** A pair of clients that ask `credentials` before each request, and tell `refused` of every 401. */
export function connect(
  credentials: () => Credentials | null,
  refused: (token: string) => void,
): { tenantApi: Client<TenantPaths>; adminApi: Client<AdminPaths> } {
  const middleware: Middleware = {
    onRequest({ request }) {
      const now = credentials();
      if (now === null) return undefined;
      request.headers.set('Authorization', `Bearer ${now.token}`);
      if (now.tenantId !== null) request.headers.set('X-Posthorn-Tenant', now.tenantId);
      return request;
    },
    onResponse({ request, response }) {
      if (response.status === 401) refused((request.headers.get('Authorization') ?? '').replace('Bearer ', ''));
    },
    onError({ error }) {
      return error instanceof DOMException && error.name === 'AbortError' ? error : new Unreachable(error);
    },
  };
  const tenantApi = createClient<TenantPaths>({ baseUrl: `${apiRoot}webhooks` });
  const adminApi = createClient<AdminPaths>({ baseUrl: `${apiRoot}admin` });
  tenantApi.use(middleware);
  adminApi.use(middleware);
  return { tenantApi, adminApi };
}

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of a good answer; throws `ApiProblem` for a refusal and `Unreachable` when none came. */
export async function unwrap<T>(asked: Promise<Answer<T>>): Promise<Exclude<T, undefined>> {
  const answer = await asked;
  if (!answer.response.ok) throw new ApiProblem(answer.response.status, answer.error);
  // A good answer has the body that the document promises; 204 has none, and its callers want none.
  return answer.data as Exclude<T, undefined>;
}
