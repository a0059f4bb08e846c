// Links into one tenant's page: `#/portal?token=…`. The fragment never reaches a server, and the token leaves the
// address before anything is drawn, so that neither history nor a screenshot keeps it.
import { checkSession } from './store';

const LINK = /^#\/portal\?(.*)$/;

/** Takes the token of a portal link from the address, if there is one, also from a link opened in a page that runs. */
export function takePortalTokens(): void {
  const take = () => {
    const token = new URLSearchParams(LINK.exec(window.location.hash)?.[1] ?? '').get('token');
    if (!token) return;
    window.history.replaceState(null, '', '#/');
    checkSession({ token, tenantId: null, isPortal: true });
  };
  take();
  // capturing: before the router looks at the address
  window.addEventListener('popstate', take, { capture: true });
  window.addEventListener('hashchange', take, { capture: true });
}
