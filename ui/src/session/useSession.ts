// The session as components see it.
import { type ReactNode, useSyncExternalStore } from 'react';
import { endSession, lookAt, onSessionChange, type Permission, type Session, sessionState } from './store';

export function useSessionState() {
  return useSyncExternalStore(onSessionChange, sessionState);
}

export type SignedIn = Session & {
  /** Whether the session may do this: what it may not is not shown. */
  can: (permission: Permission) => boolean;
  signOut: () => void;
  /** For operators: look at another tenant. */
  switchTenant: (tenant: { id: string; name: string }) => void;
};

/** Only inside of the shell, which is drawn for nobody else. */
export function useSession(): SignedIn {
  const state = useSessionState();
  if (state.status !== 'signed-in') throw new Error('nobody is signed in');
  const { session } = state;
  return {
    ...session,
    can: (permission) => session.permissions.includes(permission),
    signOut: () => endSession('left'),
    switchTenant: (tenant) => lookAt(tenant, session.token),
  };
}

/** Shows its children only to a session that may do `to`. */
export function Allowed({ to, children }: { to: Permission; children: ReactNode }): ReactNode {
  return useSession().can(to) ? children : null;
}
