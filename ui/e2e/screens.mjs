// Every screen and every dialog worth a look: how it is reached, and as whom. Pictures and the tests of accessibility go by it.
import { ADMIN_TOKEN, BASE, signIn } from './browser.mjs';

const click = (name) => async (page) => {
  await page.locator('#content').getByRole('button', { name }).first().click();
};

/**
 * `path`: fragment of the address, of the demo's ids; `as`: `key` (unless said), `admin` or `nobody`; `act`: what else is done to
 * see it; `over`: it lies over another screen; `narrow`: it gets a picture at 390 pixels too; `forTests`, `forPictures`: for these
 * alone.
 */
export const SCREENS = [
  { name: 'sign-in', as: 'nobody', path: () => '/', narrow: true },
  {
    name: 'overview',
    path: () => '/',
    narrow: true,
    ready: (page) => page.locator('.recharts-surface').nth(1).waitFor(),
  },
  { name: 'first-steps', as: 'newcomer', path: () => '/' },
  { name: 'webhooks', path: () => '/webhooks', narrow: true },
  { name: 'webhook', path: ({ webhooks }) => `/webhooks/${webhooks.accounting}`, narrow: true },
  { name: 'webhook-failing', path: ({ webhooks }) => `/webhooks/${webhooks.crm}` },
  {
    name: 'webhook-settings',
    path: ({ webhooks }) => `/webhooks/${webhooks.accounting}`,
    act: (page) => page.getByRole('tab', { name: /^(Settings|Ajustes)$/ }).click(),
  },
  { name: 'webhook-new', path: () => '/webhooks/new', narrow: true },
  { name: 'webhook-edit', forPictures: true, path: ({ webhooks }) => `/webhooks/${webhooks.accounting}/edit` },
  {
    name: 'webhook-edit-more',
    forTests: true,
    path: ({ webhooks }) => `/webhooks/${webhooks.accounting}/edit`,
    act: async (page) => {
      const folded = page.locator('#content form [data-accordion-control][aria-expanded="false"]');
      while ((await folded.count()) > 0) await folded.first().click();
    },
  },
  { name: 'webhook-test', over: true, path: ({ webhooks }) => `/webhooks/${webhooks.accounting}?dialog=test` },
  {
    name: 'webhook-preview',
    forTests: true,
    over: true,
    path: ({ webhooks }) => `/webhooks/${webhooks.accounting}?dialog=preview`,
  },
  { name: 'webhook-rotate', over: true, path: ({ webhooks }) => `/webhooks/${webhooks.accounting}?dialog=rotate` },
  {
    name: 'webhook-enable',
    forTests: true,
    over: true,
    path: ({ webhooks }) => `/webhooks/${webhooks.letters}?dialog=enable`,
  },
  {
    name: 'webhook-delete',
    forTests: true,
    over: true,
    path: ({ webhooks }) => `/webhooks/${webhooks.accounting}?dialog=delete`,
  },
  { name: 'deliveries', path: () => '/deliveries', narrow: true },
  { name: 'delivery', over: true, path: ({ retrying }) => `/deliveries?delivery=${retrying}`, narrow: true },
  {
    name: 'delivery-delivered',
    forTests: true,
    over: true,
    path: ({ delivered }) => `/deliveries?delivery=${delivered}`,
  },
  { name: 'bulk-retry', forTests: true, over: true, path: () => '/deliveries?do=retry' },
  {
    name: 'bulk-replay',
    over: true,
    path: ({ webhooks }) => `/deliveries?do=replay&subscription_id=${webhooks.accounting}`,
  },
  {
    name: 'bulk-backfill',
    forTests: true,
    over: true,
    path: () => '/deliveries?do=backfill',
  },
  {
    name: 'deliveries-filters',
    forTests: true,
    path: () => '/deliveries',
    act: click(/filters|filtros/i),
  },
  { name: 'events', path: () => '/events' },
  { name: 'event', over: true, path: ({ event }) => `/events?id=${event}` },
  { name: 'publish', over: true, path: () => '/events?publish=shipment.dispatched' },
  { name: 'jobs', path: () => '/jobs' },
  {
    name: 'job',
    forTests: true,
    over: true,
    path: () => '/jobs',
    act: (page) =>
      page
        .locator('#content button')
        .filter({ hasText: /backfill|replay|complet|repeti/i })
        .first()
        .click(),
  },
  { name: 'event-types', path: () => '/event-types', narrow: true },
  { name: 'event-type', over: true, path: () => '/event-types?type=shipment.dispatched' },
  { name: 'event-type-edit', over: true, path: () => '/event-types?type=shipment.dispatched&edit=own' },
  { name: 'api-keys', path: () => '/api-keys', narrow: true },
  { name: 'api-key-new', over: true, path: () => '/api-keys', act: click(/^(New API key|Nueva clave de API)$/) },
  { name: 'audit-log', path: () => '/audit-log', narrow: true },
  {
    name: 'audit-entry',
    over: true,
    path: ({ webhooks }) => `/audit-log?action=subscription.updated&target_id=${webhooks.accounting}`,
    act: click(/^(Webhook changed|Cambio de webhook|Webhook modificado)$/),
  },
  { name: 'settings', path: () => '/settings' },
  { name: 'tenants', as: 'admin', path: () => '/tenants', narrow: true },
  {
    name: 'tenant-new',
    forTests: true,
    over: true,
    as: 'admin',
    path: () => '/tenants',
    act: click(/^(New tenant|Nueva organización)$/),
  },
  { name: 'nothing-here', forTests: true, path: () => '/nowhere' },
];

const TOKENS = { key: ({ tenant }) => tenant.key, admin: () => ADMIN_TOKEN, newcomer: ({ newcomer }) => newcomer.key };

/** Shows it on a page that stands at the sign-in screen or shows another one of the same reader. */
export async function show(page, screen, demo) {
  const { as = 'key', path, act, ready, over } = screen;
  if (as !== 'nobody' && (await page.locator('#content').count()) === 0) await signIn(page, TOKENS[as](demo));
  await page.goto(`${BASE}/#${path(demo)}`);
  if (as !== 'nobody') await settle(page);
  await act?.(page);
  if (over) await page.getByRole('dialog').first().waitFor();
  await ready?.(page);
  await settle(page);
}

async function settle(page) {
  await page.locator('h1, h2, h3, form, #content p').first().waitFor();
  // no figure is awaited, also not after two more frames: what has come may ask for more
  await page.waitForFunction(async () => {
    for (let look = 0; look < 3; look += 1) {
      if (document.querySelector('[aria-busy="true"], .mantine-Skeleton-root')) return false;
      await new Promise(requestAnimationFrame);
    }
    return true;
  });
}
