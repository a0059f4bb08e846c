// What a key may do, and whether it still may.
import type { ApiKey } from '../../api/queries/apiKeys';

export const SCOPES = ['read', 'publish', 'manage', 'keys'] as const;
export type Scope = (typeof SCOPES)[number];

export function isScope(word: string): word is Scope {
  return SCOPES.some((scope) => scope === word);
}

export function stateOf({ revoked_at, expires_at }: ApiKey): 'active' | 'revoked' | 'expired' {
  if (revoked_at) return 'revoked';
  return expires_at && Date.parse(expires_at) <= Date.now() ? 'expired' : 'active';
}
