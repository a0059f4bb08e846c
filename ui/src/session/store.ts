// Who is signed in. The token is kept in sessionStorage alone: it ends with the browser's tab.
import type { Credentials } from '../api/client';

export type Permission = 'read' | 'publish' | 'manage' | 'keys';
export type SessionKind = 'key' | 'admin' | 'portal';
export type Session = {
  token: string;
  kind: SessionKind;
  /** Null for an operator of a server that has no tenant yet. */
  tenant: { id: string; name: string } | null;
  permissions: readonly Permission[];
  expiresAt: string | null;
};
export type SignedOutBecause = 'left' | 'expired';
export type SessionState =
  | { status: 'signed-out'; because: SignedOutBecause | null }
  /** A token is there, what it may do is still being asked. */
  | { status: 'checking'; stored: Stored }
  | { status: 'signed-in'; session: Session };
/** What outlives a reload of the tab. */
export type Stored = { token: string; tenantId: string | null; isPortal: boolean };

const STORED_AS = 'posthorn.session';
const listeners = new Set<() => void>();
let state: SessionState = restore();

export const sessionState = (): SessionState => state;

/** What requests are made with. */
export function credentials(): Credentials | null {
  if (state.status !== 'signed-in') return null;
  const { token, kind, tenant } = state.session;
  return { token, tenantId: kind === 'admin' ? (tenant?.id ?? null) : null };
}

export function onSessionChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Takes a token that is still to be looked at: from a portal link, or to look again. */
export function checkSession(stored: Stored): void {
  sessionStorage.setItem(STORED_AS, JSON.stringify(stored));
  become({ status: 'checking', stored });
}

export function startSession(session: Session): void {
  const stored: Stored = {
    token: session.token,
    tenantId: session.tenant?.id ?? null,
    isPortal: session.kind === 'portal',
  };
  sessionStorage.setItem(STORED_AS, JSON.stringify(stored));
  become({ status: 'signed-in', session });
}

/** Whether this tenant is still the one that is looked at: an answer may come after somebody turned to another, or left. */
export function isLookedAt(tenantId: string): boolean {
  return state.status === 'signed-in' && state.session.tenant?.id === tenantId;
}

/** Looks at another tenant, or at the same one by its new name; nothing when the session of `token` is over. */
export function lookAt(tenant: { id: string; name: string }, token: string): void {
  if (state.status === 'signed-in' && state.session.token === token) startSession({ ...state.session, tenant });
}

/** Forgets the session; with `token` only if it is still the one in use (a late 401 must not end the next session). */
export function endSession(because: SignedOutBecause, token?: string): void {
  if (token !== undefined && tokenInUse() !== token) return;
  sessionStorage.removeItem(STORED_AS);
  become({ status: 'signed-out', because });
}

function tokenInUse(): string | null {
  if (state.status === 'signed-in') return state.session.token;
  return state.status === 'checking' ? state.stored.token : null;
}

function become(next: SessionState): void {
  state = next;
  for (const listener of listeners) listener();
}

function restore(): SessionState {
  const text = sessionStorage.getItem(STORED_AS);
  const stored = text === null ? null : readStored(text);
  return stored === null ? { status: 'signed-out', because: null } : { status: 'checking', stored };
}

function readStored(text: string): Stored | null {
  try {
    const { token, tenantId, isPortal }: Partial<Record<keyof Stored, unknown>> = JSON.parse(text);
    if (typeof token !== 'string' || token === '') return null;
    return { token, tenantId: typeof tenantId === 'string' ? tenantId : null, isPortal: isPortal === true };
  } catch {
    return null;
  }
}
