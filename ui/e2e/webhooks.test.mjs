// Webhooks as people use them: made through the form, tested, changed, rotated, switched and deleted; the log is live.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, newTenant } from './api.mjs';
import { assertAccessible, BASE, openPage, signIn, startBrowser } from './browser.mjs';
import { isSigned, startReceiver } from './receiver.mjs';

const HOSTILE = '<script>window.hacked = 1</script> \u202Egnp.exe <img src=x onerror="window.hacked=1">';
let browser;
let receiver;
let tenant;
let key;
let readKey;

before(async () => {
  browser = await startBrowser();
  receiver = await startReceiver();
  // a tenant of its own: other tests do not see it, and it begins empty
  tenant = await newTenant(`Webhooks ${Date.now()}`);
  const made = async (scopes) => (await asTenant('api-keys', { name: scopes.join(' '), scopes })).key;
  key = await made(['read', 'publish', 'manage']);
  readKey = await made(['read']);
});
after(async () => {
  await browser.close();
  await receiver.close();
});

const asTenant = (path, body, method = 'POST') => call(method, `/${path}`, body, tenant.key);
const publish = (event, payload = { total: 12 }) => asTenant('events', { event, payload });
const button = (page, name) => page.getByRole('button', { name, exact: true });
const dialog = (page, name) => page.getByRole('dialog', { name });
const openWebhook = async (page, id, rest = '') => {
  await page.goto(`${BASE}/#/webhooks/${id}${rest}`);
  await page.locator('section[aria-label="Selected webhook"], section[aria-label="Webhook seleccionado"]').waitFor();
};
let count = 0;
const makeWebhook = (more = {}) => {
  count += 1;
  return asTenant('subscriptions', { url: `${receiver.url}/${count}`, events: ['invoice.*'], ...more });
};

/** What the page and the browser keep. */
const kept = (page) =>
  page.evaluate(() => document.documentElement.outerHTML + JSON.stringify({ ...localStorage, ...sessionStorage }));

test('from nothing to a signed delivery, through the form', async () => {
  const fresh = await newTenant('From nothing');
  const { page, close } = await openPage(browser, { path: '#/webhooks' });
  await signIn(page, fresh.key);
  await page.getByText('No webhooks yet').waitFor();
  await assertAccessible(page, 'no webhooks');
  await page.getByRole('link', { name: 'New webhook' }).first().click();

  // every rule is said under its field, the first of them gets the focus
  await button(page, 'Create webhook').click();
  await page.getByText('Say where to send.').waitFor();
  await page.getByText('Choose at least one event.').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'field-url');
  await page.getByLabel('URL').fill('ftp://example.com/x');
  await page.getByText('Must begin with https://').waitFor();
  await page.getByLabel('URL').fill(receiver.url);
  await page.getByText('Must begin with https://').waitFor({ state: 'detached' });
  await page.getByLabel('Description').fill('Accounting');

  // a group at once, and a pattern, which covers what it matches
  await page.getByRole('checkbox', { name: 'All of Analytics' }).check();
  await page.getByRole('button', { name: 'Remove report.generated' }).waitFor();
  await page.getByRole('textbox', { name: /^Search, or type a pattern/ }).fill('invoice.*');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Remove invoice.*' }).waitFor();
  assert.ok(await page.getByRole('checkbox', { name: 'invoice.created' }).isDisabled());
  await assertAccessible(page, 'form');

  await button(page, 'Create webhook').click();
  const shown = dialog(page, 'The signing secret');
  await shown.waitFor();
  await assertAccessible(page, 'secret');
  const secret = await shown.locator('[data-secret]').textContent();
  assert.match(secret, /^whsec_.{20}/);
  await button(page, 'I have copied it').click();
  await page.waitForURL(/#\/webhooks\/[0-9a-f-]{36}$/);
  await page.getByRole('heading', { name: 'Accounting' }).waitFor();
  assert.ok(!(await kept(page)).includes(secret), 'the secret is gone');

  // arrives in the log by itself
  await page.getByText('Nothing sent yet').waitFor();
  await call('POST', '/events', { event: 'invoice.created', payload: { total: 12 } }, fresh.key);
  const [request] = await receiver.wait(1, ({ path }) => path === '/hook');
  assert.ok(isSigned(request, secret));
  await page.getByRole('list', { name: 'Deliveries' }).getByText('Delivered').waitFor();
  await page.getByText('100%').first().waitFor();
  assert.ok(!(await kept(page)).includes(secret));
  await close();
});

test('what only the server knows stands under its field too', async () => {
  const { page, close } = await openPage(browser, { path: '#/webhooks/new' });
  await signIn(page, key);
  const url = `${receiver.url}/refused`;
  await page.getByLabel('URL').fill(url);
  await page.getByRole('checkbox', { name: 'All events (*)' }).check();
  await page.getByLabel('Filter').fill('$ >');
  await page.getByRole('button', { name: /^Headers and credentials/ }).click();
  await button(page, 'Add header').click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Host');
  await page.getByRole('textbox', { name: 'Value', exact: true }).fill('x');
  await button(page, 'Create webhook').click();
  await page.getByText('must be a jsonpath predicate').waitFor();
  await page.getByText('is set by Posthorn or by the connection').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'field-filter');
  await assertAccessible(page, 'refused form');
  // and leaving is asked about
  await page.getByRole('link', { name: 'Deliveries' }).click();
  const asked = dialog(page, 'Unsaved changes');
  await asked.waitFor();
  await asked.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await page.getByLabel('URL').inputValue(), url);
  // by signing out as well
  await page.getByRole('button', { name: /API key$/ }).click();
  await button(page, 'Sign out').click();
  await asked.waitFor();
  await page.keyboard.press('Escape');
  await asked.waitFor({ state: 'detached' });
  assert.equal(await page.getByLabel('URL').inputValue(), url);
  await page.getByRole('link', { name: 'Deliveries' }).click();
  await asked.getByRole('button', { name: 'Discard changes' }).click();
  await page.waitForURL(/#\/deliveries/);
  await close();
});

test('a duplicate leads to the one that exists', async () => {
  const { id, url } = await makeWebhook({ description: 'First' });
  const { page, close } = await openPage(browser, { path: '#/webhooks/new' });
  await signIn(page, key);
  await page.getByLabel('URL').fill(url);
  await page.getByRole('checkbox', { name: 'All events (*)' }).check();
  await button(page, 'Create webhook').click();
  await page.getByText('There is one already').waitFor();
  await page.getByRole('link', { name: 'Open it' }).click();
  await dialog(page, 'Unsaved changes').getByRole('button', { name: 'Discard changes' }).click();
  await page.waitForURL(new RegExp(`#/webhooks/${id}`));
  await close();
});

test('a test send shows the answer, a preview the request', async () => {
  const { id } = await makeWebhook({ description: 'Tested' });
  const { page, close } = await openPage(browser, { path: `#/webhooks/${id}?dialog=test` });
  await signIn(page, key);
  const testing = dialog(page, 'Test this webhook');
  await testing.getByLabel('Data (JSON)').fill('{"number": 12345678901234567890.10}');
  // the event may be named after the data
  await testing.getByRole('combobox', { name: 'Event' }).fill('invoice.paid');
  await page.keyboard.press('Escape');
  await testing.getByRole('button', { name: 'Send test' }).click();
  await testing.getByText(/Accepted · HTTP 204/).waitFor();
  assert.match(receiver.requests.at(-1).body.toString(), /"number": ?12345678901234567890\.10/);
  receiver.answer(500, HOSTILE, { 'content-type': 'text/html' });
  await testing.getByRole('button', { name: 'Send test' }).click();
  await testing.getByText(/Not accepted · HTTP 500/).waitFor();
  await testing.getByText('window.hacked = 1', { exact: false }).waitFor();
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  receiver.fix();

  await openWebhook(page, id, '?dialog=preview');
  const preview = dialog(page, 'Preview');
  await preview.getByRole('button', { name: 'Show preview' }).click();
  await preview.getByText('webhook-signature', { exact: true }).waitFor();
  await preview.getByRole('button', { name: 'Close' }).click();
  await page.waitForURL(new RegExp(`#/webhooks/${id}$`));
  await close();
});

test('metadata keeps its digits through the form', async () => {
  const { id } = await makeWebhook({ description: 'Exact' });
  const { page, close } = await openPage(browser, { path: `#/webhooks/${id}/edit` });
  await signIn(page, key);
  await page.getByRole('button', { name: /^Metadata/ }).click();
  const field = page.getByRole('textbox', { name: 'Metadata' });
  await field.fill('{"account": 12345678901234567890.10}');
  await button(page, 'Save').click();
  await page.getByRole('tab', { name: 'Settings' }).click();
  await page.getByRole('region', { name: 'Metadata' }).getByText('12345678901234567890.10').waitFor();
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByRole('button', { name: /^Metadata/ }).click();
  assert.match(await field.inputValue(), /: 12345678901234567890\.10/);
  await close();
});

test('a secret that was typed for another signature does not keep from saving', async () => {
  const { id } = await makeWebhook({ description: 'Signed' });
  const { page, close } = await openPage(browser, { path: `#/webhooks/${id}/edit` });
  await signIn(page, key);
  await page.getByLabel('Description').fill('Signed as before');
  await page.getByRole('button', { name: /^Signature/ }).click();
  await page.getByRole('radio', { name: /Ed25519/ }).check();
  await page.locator('#field-secret').fill('short');
  await page.getByRole('radio', { name: /HMAC/ }).check();
  await page.locator('#field-secret').waitFor({ state: 'detached' });
  await button(page, 'Save').click();
  await page.getByRole('heading', { name: 'Signed as before' }).waitFor();
  await close();
});

test('a change made meanwhile is noticed, and both survive', async () => {
  const { id } = await makeWebhook({ description: 'Shared' });
  const { page, close } = await openPage(browser, { path: `#/webhooks/${id}/edit` });
  await signIn(page, key);
  await page.getByLabel('Description').fill('Mine');
  await asTenant(`subscriptions/${id}`, { timeout_seconds: 7 }, 'PATCH');
  await button(page, 'Save').click();
  const conflict = dialog(page, 'Changed meanwhile');
  await conflict.getByText('timeout_seconds: null → 7').waitFor();
  await assertAccessible(page, 'conflict');
  await conflict.getByRole('button', { name: 'Save mine on top' }).click();
  await page.getByRole('heading', { name: 'Mine' }).waitFor();
  const now = await asTenant(`subscriptions/${id}`, undefined, 'GET');
  assert.deepEqual([now.description, now.timeout_seconds], ['Mine', 7]);
  await close();
});

test('a rotated secret signs beside the old one, and is shown once', async () => {
  const { id, secret: old } = await makeWebhook({ description: 'Rotated' });
  const path = `/hook/${count}`;
  const { page, close } = await openPage(browser, { path: `#/webhooks/${id}?dialog=rotate` });
  await signIn(page, key);
  await dialog(page, 'Rotate the secret').getByRole('button', { name: 'Rotate secret' }).click();
  const shown = dialog(page, 'The new secret');
  const secret = await shown.locator('[data-secret]').textContent();
  assert.notEqual(secret, old);
  await button(page, 'I have copied it').click();
  await page.waitForURL(new RegExp(`#/webhooks/${id}$`));
  assert.ok(!(await kept(page)).includes(secret));
  await publish('invoice.paid');
  const [request] = await receiver.wait(1, (one) => one.path === path);
  assert.ok(isSigned(request, secret) && isSigned(request, old));
  await close();
});

test('a broken receiver is seen, switched off, on, and deleted, by keyboard', async () => {
  const { id } = await makeWebhook({ description: 'Broken', retry_schedule: [300] });
  const { page, close } = await openPage(browser, { path: `#/webhooks/${id}` });
  await signIn(page, key);
  receiver.answer(503, 'out of order');
  await publish('invoice.paid');
  const log = page.getByRole('list', { name: 'Deliveries' });
  await log.getByText('Retrying').waitFor();
  await log.getByText('HTTP 503').waitFor();
  receiver.fix();
  const choose = async (name) => {
    await page.getByRole('button', { name: 'More actions' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name }).focus();
    await page.keyboard.press('Enter');
  };
  await choose('Disable');
  const disable = dialog(page, 'Disable this webhook?');
  await disable.getByText('1 delivery is waiting.').waitFor();
  await assertAccessible(page, 'disable');
  await disable.getByRole('button', { name: 'Disable' }).press('Enter');
  await page.getByText('Disabled', { exact: true }).first().waitFor();
  await choose('Enable');
  await dialog(page, 'Enable this webhook?').getByRole('button', { name: 'Enable' }).press('Enter');
  await page.getByText('Enabled: Broken').waitFor();
  await choose('Delete');
  const deleting = dialog(page, 'Delete this webhook?');
  await deleting.getByRole('button', { name: 'Delete' }).press('Enter');
  await page.waitForURL(/#\/webhooks$/);
  await page.getByText('Deleted: Broken').waitFor();
  await page.getByRole('table').getByText('Broken').waitFor({ state: 'detached' });
  await close();
});

test('who may only read sees no button that would fail', async () => {
  const { id } = await makeWebhook({ description: 'Read only' });
  const { page, close } = await openPage(browser, { path: `#/webhooks/${id}?dialog=delete` });
  await signIn(page, readKey);
  await page.getByRole('heading', { name: 'Read only' }).waitFor();
  for (const name of ['Edit', 'Test', 'More actions', 'New webhook', 'Delete']) {
    assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, name);
    assert.equal(await page.getByRole('link', { name, exact: true }).count(), 0, name);
  }
  await button(page, 'Preview').click();
  await dialog(page, 'Preview').getByRole('button', { name: 'Show preview' }).click();
  await dialog(page, 'Preview').getByText('webhook-signature', { exact: true }).waitFor();
  await page.goto(`${BASE}/#/webhooks/new`);
  await page.getByText('Only to be looked at').waitFor();
  await close();
});

test('what strangers wrote is text', async () => {
  const long = 'x'.repeat(400);
  const { id } = await makeWebhook({ description: `${HOSTILE} ${long}`.slice(0, 500), metadata: { note: HOSTILE } });
  receiver.answer(
    500,
    Buffer.concat([Buffer.from([0xff, 0xfe, 0xc3]), Buffer.from('<b>'), Buffer.alloc(1_000_000, 120)]),
  );
  for (const width of ['wide', 'narrow']) {
    const { page, close } = await openPage(browser, { width, path: '#/webhooks' });
    await signIn(page, key);
    await page.getByText('window.hacked = 1', { exact: false }).first().waitFor();
    await assertAccessible(page, `hostile list, ${width}`);
    await openWebhook(page, id);
    await page.getByRole('tab', { name: 'Settings' }).click();
    await page.getByText('onerror', { exact: false }).last().waitFor();
    await assertAccessible(page, `hostile settings, ${width}`);
    await openWebhook(page, id, '?dialog=test');
    await dialog(page, 'Test this webhook').getByRole('button', { name: 'Send test' }).click();
    await dialog(page, 'Test this webhook')
      .getByText(/Not accepted/)
      .waitFor();
    await assertAccessible(page, `hostile answer, ${width}`);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    await close();
  }
  receiver.fix();
});

test('in Spanish with the words that people use', async () => {
  const { id } = await makeWebhook({ description: 'Contabilidad' });
  const { page, close } = await openPage(browser, { language: 'es', path: '#/webhooks' });
  await signIn(page, key);
  await page.getByRole('link', { name: 'Nuevo Webhook' }).waitFor();
  await openWebhook(page, id);
  await page.getByRole('button', { name: 'Probar' }).waitFor();
  await page.getByRole('link', { name: 'Editar' }).waitFor();
  const dialogs = {
    test: 'Probar este webhook',
    preview: 'Vista previa',
    rotate: 'Rotar el secreto',
    disable: '¿Desactivar este webhook?',
    delete: '¿Eliminar este webhook?',
  };
  for (const [name, title] of Object.entries(dialogs)) {
    await openWebhook(page, id, `?dialog=${name}`);
    await dialog(page, title).waitFor();
  }
  await dialog(page, dialogs.delete).getByRole('button', { name: 'Eliminar' }).waitFor();
  await close();
});
