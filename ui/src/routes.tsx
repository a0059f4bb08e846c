// Every address of the page. The path is in the fragment: the page works under any prefix, and no server sees it.
import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { Crashed } from './layout/Crashed';
import { NotFound } from './layout/NotFound';
import { Root } from './layout/Root';
import { readAuditSearch } from './screens/audit-log/search';
import { readDeliverySearch } from './screens/deliveries/search';
import { readEventTypeSearch } from './screens/event-types/search';
import { readEventSearch } from './screens/events/search';
import { readJobSearch } from './screens/jobs/search';
import { readOverviewSearch } from './screens/overview/search';
import { parseTexts, printTexts } from './screens/search';
import { readWebhookSearch } from './screens/webhooks/search';

const root = createRootRoute({ component: Root });

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: readOverviewSearch,
  component: lazyRouteComponent(() => import('./screens/overview')),
});
const webhooks = createRoute({
  getParentRoute: () => root,
  path: '/webhooks',
  component: lazyRouteComponent(() => import('./screens/webhooks')),
});
const newWebhook = createRoute({
  getParentRoute: () => root,
  path: '/webhooks/new',
  component: lazyRouteComponent(() => import('./screens/webhooks/New')),
});
// inside of the list, which stays where it is
const oneWebhook = createRoute({
  getParentRoute: () => webhooks,
  path: '$id',
  validateSearch: readWebhookSearch,
  component: lazyRouteComponent(() => import('./screens/webhooks/One')),
});
const editWebhook = createRoute({
  getParentRoute: () => root,
  path: '/webhooks/$id/edit',
  component: lazyRouteComponent(() => import('./screens/webhooks/Edit')),
});
const deliveries = createRoute({
  getParentRoute: () => root,
  path: '/deliveries',
  validateSearch: readDeliverySearch,
  component: lazyRouteComponent(() => import('./screens/deliveries')),
});
const events = createRoute({
  getParentRoute: () => root,
  path: '/events',
  validateSearch: readEventSearch,
  component: lazyRouteComponent(() => import('./screens/events')),
});
const eventTypes = createRoute({
  getParentRoute: () => root,
  path: '/event-types',
  validateSearch: readEventTypeSearch,
  component: lazyRouteComponent(() => import('./screens/event-types')),
});
const apiKeys = createRoute({
  getParentRoute: () => root,
  path: '/api-keys',
  component: lazyRouteComponent(() => import('./screens/api-keys')),
});
const auditLog = createRoute({
  getParentRoute: () => root,
  path: '/audit-log',
  validateSearch: readAuditSearch,
  component: lazyRouteComponent(() => import('./screens/audit-log')),
});
const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazyRouteComponent(() => import('./screens/settings')),
});
const tenants = createRoute({
  getParentRoute: () => root,
  path: '/tenants',
  component: lazyRouteComponent(() => import('./screens/tenants')),
});
const jobs = createRoute({
  getParentRoute: () => root,
  path: '/jobs',
  validateSearch: readJobSearch,
  component: lazyRouteComponent(() => import('./screens/jobs')),
});

export function makeRouter() {
  return createRouter({
    routeTree: root.addChildren([
      overview,
      webhooks.addChildren([oneWebhook]),
      newWebhook,
      editWebhook,
      deliveries,
      events,
      eventTypes,
      apiKeys,
      auditLog,
      settings,
      tenants,
      jobs,
    ]),
    history: createHashHistory(),
    // plain texts: by the router's own way `resource_id=1e5` would be read as a number, and be 100000
    parseSearch: parseTexts,
    stringifySearch: printTexts,
    defaultNotFoundComponent: NotFound,
    defaultErrorComponent: Crashed,
    defaultPreload: 'intent',
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
