// API keys, audit log, settings, and the operator's tenants.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, newTenant, operate } from './api.mjs';
import { ADMIN_TOKEN, assertAccessible, BASE, openPage, signIn, startBrowser } from './browser.mjs';

let browser;
let tenant;
before(async () => {
  browser = await startBrowser();
  tenant = await newTenant('Administered');
});
after(() => browser.close());

const api = (method, path, body) => call(method, path, body, tenant.key);
const keeps = (page, secret) =>
  page.evaluate(
    (wanted) =>
      [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.documentElement.outerHTML].some((text) =>
        text.includes(wanted),
      ),
    secret,
  );

test('a key is made, shown once, works, and is revoked', async () => {
  const { page, close } = await openPage(browser, { path: '#/api-keys' });
  await signIn(page, tenant.key);
  await page.getByText('this session').waitFor();
  await page.getByRole('button', { name: 'New API key' }).click();
  const form = page.getByRole('dialog', { name: 'New API key' });
  await form.getByLabel('Name').fill('Billing');
  for (const scope of ['Read', 'Publish', 'Manage']) await form.getByRole('checkbox', { name: scope }).uncheck();
  await form.getByRole('button', { name: 'Create' }).click();
  await form.getByText('Choose at least one').waitFor();
  await assertAccessible(page, 'new key');
  await form.getByRole('checkbox', { name: 'Read' }).check();
  await form.getByRole('button', { name: 'Create' }).click();
  const once = page.getByRole('dialog', { name: 'Your new API key' });
  const key = await once.locator('[data-secret]').textContent();
  await assertAccessible(page, 'new key, shown');
  assert.deepEqual((await call('GET', '/caller', undefined, key)).permissions, ['read']);
  await once.getByRole('button', { name: 'I have copied it' }).click();
  await once.waitFor({ state: 'detached' });
  assert.equal(await keeps(page, key), false);

  const row = page.getByRole('row').filter({ hasText: 'Billing' });
  await row.getByRole('button', { name: 'Revoke Billing' }).click();
  await page.getByRole('dialog', { name: 'Revoke this key?' }).getByRole('button', { name: 'Revoke' }).click();
  await row.getByText('Revoked').waitFor();
  await close();
});

test('who changed what: told in words, with what was and what is', async () => {
  const webhook = await api('POST', '/subscriptions', {
    url: 'http://127.0.0.1:9/audited',
    events: ['invoice.*'],
    description: '<script>window.hurt = 1</script> \u202Ekcatta',
  });
  await api('PATCH', `/subscriptions/${webhook.id}`, { description: 'calm', events: ['invoice.*', 'order.*'] });
  const { page, close } = await openPage(browser, { path: `#/audit-log?target_id=${webhook.id}` });
  await signIn(page, tenant.key);
  await page.getByRole('button', { name: 'Webhook changed' }).click();
  const drawer = page.getByRole('dialog', { name: 'Webhook changed' });
  await drawer.locator('del').filter({ hasText: '<script>window.hurt' }).waitFor();
  await drawer.locator('ins').filter({ hasText: 'calm' }).waitFor();
  await drawer.getByText(/^API key /).waitFor();
  await assertAccessible(page, 'an entry');
  assert.equal(await page.evaluate(() => window.hurt), undefined);
  await page.keyboard.press('Escape');
  await page.getByRole('combobox', { name: 'Action' }).fill('subscription.created');
  await page.keyboard.press('Enter');
  await page.waitForURL(/action=subscription.created/);
  await page.getByRole('button', { name: 'Webhook created' }).click();
  const created = page.getByRole('dialog', { name: 'Webhook created' });
  await created.getByText('Secrets are never kept here.').waitFor();
  await created.getByRole('link', { name: 'Open', exact: true }).click();
  await page.waitForURL(new RegExp(webhook.id));
  await close();
});

test('settings are saved, and only shown to who may not', async () => {
  const own = await newTenant('Set');
  const { page, close } = await openPage(browser, { path: '#/settings' });
  await signIn(page, own.key);
  await page.getByLabel('Name').fill('Renamed');
  await page.getByRole('switch', { name: 'Strict event types' }).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The settings are saved.').waitFor();
  await page.getByRole('button', { name: /Renamed/ }).waitFor();
  assert.equal((await call('GET', '/tenant', undefined, own.key)).strict_event_types, true);
  assert.equal(await page.getByRole('link', { name: 'Tenants' }).count(), 0);
  await close();

  const { key } = await call('POST', '/api-keys', { name: 'reader', scopes: ['read'] }, own.key);
  const reader = await openPage(browser, { path: '#/settings' });
  await signIn(reader.page, key);
  await reader.page.getByText('On: unknown event types are refused').waitFor();
  await reader.page.goto(`${BASE}/#/api-keys`);
  await reader.page.getByRole('row').filter({ hasText: 'this session' }).waitFor();
  for (const name of ['Save', 'New API key', /^Revoke/]) {
    assert.equal(await reader.page.getByRole('button', { name }).count(), 0, String(name));
  }
  await reader.page.goto(`${BASE}/#/tenants`);
  await reader.page.getByText('Only for operators').waitFor();
  await reader.close();
});

test('the operator stays with the tenant that is looked at', { skip: ADMIN_TOKEN === '' }, async () => {
  const [one, two] = [await newTenant(`One ${Date.now()}`), await newTenant(`Two ${Date.now()}`)];
  const { page, close } = await openPage(browser, { path: '#/settings' });
  await signIn(page, ADMIN_TOKEN);
  const switcher = page.getByRole('combobox', { name: 'Tenant' });
  const turnTo = async ({ name }) => {
    await switcher.click();
    await switcher.fill(name);
    await page.getByRole('option', { name }).click();
    await page.getByRole('button', { name: `${name} Operator` }).waitFor();
  };
  await turnTo(one);
  // settings whose answer comes when one looks at another tenant
  let release;
  const held = new Promise((resolve) => {
    release = resolve;
  });
  await page.route('**/webhooks/tenant', async (route) => {
    if (route.request().method() !== 'PATCH') return route.continue();
    const response = await route.fetch();
    await held;
    await route.fulfill({ response });
  });
  await page.getByLabel('Name').fill(`${one.name} anew`);
  await page.getByRole('button', { name: 'Save' }).click();
  await turnTo(two);
  release();
  await page.getByText('The settings are saved.').waitFor();
  assert.equal(await page.getByLabel('Name').inputValue(), two.name);
  await page.getByRole('button', { name: `${two.name} Operator` }).waitFor();
  // after a reload too, although it is none of the newest
  await page.route('**/admin/tenants?limit=500', (route) => route.fulfill({ json: { data: [], next_cursor: null } }));
  await page.reload();
  await page.getByRole('button', { name: `${two.name} Operator` }).waitFor();
  await close();
});

test('the operator adds a tenant, links into it, disables and enables it', { skip: ADMIN_TOKEN === '' }, async () => {
  const name = `Tenant ${Date.now()}`;
  const { page, close } = await openPage(browser, { path: '#/tenants' });
  await signIn(page, ADMIN_TOKEN);
  await page.getByRole('button', { name: 'New tenant' }).click();
  const form = page.getByRole('dialog', { name: 'New tenant' });
  await form.getByLabel('Name').fill(name);
  await form.getByRole('textbox', { name: 'Id' }).fill('not one');
  await form.getByRole('button', { name: 'Create' }).click();
  await form.getByText('Must be a UUID').waitFor();
  await assertAccessible(page, 'new tenant');
  await form.getByRole('textbox', { name: 'Id' }).fill('');
  await form.getByRole('button', { name: 'Create' }).click();
  const row = page.getByRole('row').filter({ hasText: name });
  const act = async (action) => {
    await row.getByRole('button', { name: `Actions of ${name}` }).click();
    await page.getByRole('menuitem', { name: action }).click();
  };
  await act('Portal link');
  const portal = page.getByRole('dialog', { name: `Portal link of “${name}”` });
  await portal.getByRole('checkbox', { name: /Create and change/ }).uncheck();
  await assertAccessible(page, 'portal link');
  await portal.getByRole('button', { name: 'Create link' }).click();
  const once = page.getByRole('dialog', { name: 'Your portal link' });
  const link = await once.locator('[data-secret]').textContent();
  await once.getByRole('button', { name: 'I have copied it' }).click();
  await once.waitFor({ state: 'detached' });
  const token = new URL(link).hash.split('token=')[1];
  assert.equal(await keeps(page, token), false);
  const guest = await openPage(browser, { path: new URL(link).hash });
  await guest.page.getByRole('button', { name: /Portal link · Read only/ }).waitFor();
  assert.ok((await guest.page.getByRole('button', { name: /Portal link/ }).textContent()).includes(name));
  await guest.close();

  await act('Disable');
  await page
    .getByRole('dialog', { name: `Disable “${name}”?` })
    .getByRole('button', { name: 'Disable' })
    .click();
  await row.getByText('Disabled').waitFor();
  await act('Enable');
  await row.getByText('Active').waitFor();
  await act('Rename or limit');
  const edit = page.getByRole('dialog', { name: 'Change tenant' });
  await edit.getByLabel('Deliveries in flight at once').fill('12');
  await edit.getByRole('button', { name: 'Save' }).click();
  await row.getByText('12', { exact: true }).waitFor();
  const { data } = await operate('GET', '/tenants?limit=500');
  assert.equal(data.find((one) => one.name === name).max_in_flight, 12);
  await close();
});
