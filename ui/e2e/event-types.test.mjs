// The catalogue: found, read, own types made, changed and deleted.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, newTenant } from './api.mjs';
import { assertAccessible, BASE, openPage, signIn, startBrowser } from './browser.mjs';

let browser;
let tenant;
before(async () => {
  browser = await startBrowser();
  tenant = await newTenant('Catalogue');
});
after(() => browser.close());

const api = (method, path, body) => call(method, path, body, tenant.key);

test('an own type: made by the form, refused where it is wrong, changed, deleted', async () => {
  const { page, close } = await openPage(browser, { path: '#/event-types' });
  await signIn(page, tenant.key);
  await page.getByRole('heading', { name: 'Invoices' }).waitFor();
  await page.getByRole('button', { name: 'New event type' }).click();
  const form = page.getByRole('dialog', { name: 'New event type' });
  const [name, schema, example] = ['Name', 'JSON Schema', 'Example'].map((label) => form.getByLabel(label));
  await name.fill('Wrong');
  await schema.fill('{"type": "object",');
  await form.getByText(/No valid JSON/).waitFor();
  await example.fill('[1]');
  await form.getByText('Must be a JSON object').waitFor();
  await form.getByText('Two or more segments').waitFor();
  await assertAccessible(page, 'form with messages');

  await name.fill('shipment.delayed');
  await form.getByLabel('Group').fill('Shipping');
  await schema.fill('{"type":"object","required":["parcel"],"properties":{"n":{"type":"nope"}}}');
  await example.fill('{"n":12345678901234567890.10}');
  await form.getByRole('switch', { name: /^Strict/ }).check();
  await form.getByRole('button', { name: 'Create' }).click();
  // what only the server knows, under the field
  await form.getByText(/properties\/n\/type/).waitFor();
  assert.equal(await schema.getAttribute('aria-invalid'), 'true');
  await schema.fill('{"type":"object","required":["parcel"]}');
  await form.getByRole('button', { name: 'Create' }).click();
  await form.getByText('"parcel" is a required property').waitFor();
  await example.fill('{"parcel":"PX-1","n":12345678901234567890.10}');
  await form.getByRole('button', { name: 'Create' }).click();
  const drawer = page.getByRole('dialog', { name: 'shipment.delayed' });
  await drawer.getByRole('region', { name: 'Example' }).getByText('12345678901234567890.10').waitFor();
  await drawer.getByText(`posthorn.publish('${tenant.id}', 'shipment.delayed'`).waitFor();
  await assertAccessible(page, 'an own type');

  await drawer.getByRole('button', { name: 'Edit' }).click();
  const edit = page.getByRole('dialog', { name: 'Edit event type' });
  await edit.getByLabel('Description').fill('A parcel arrives later');
  await page.keyboard.press('Escape');
  const question = page.getByRole('dialog', { name: 'Unsaved changes' });
  await question.waitFor();
  await assertAccessible(page, 'unsaved changes');
  await question.getByRole('button', { name: 'Cancel' }).click();
  await edit.getByRole('button', { name: 'Save' }).click();
  await drawer.getByText('A parcel arrives later').waitFor();

  await drawer.getByRole('button', { name: 'Delete' }).click();
  // it is told although the type is not found any more before the catalogue is there
  await page.route('**/event-types', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    await route.continue();
  });
  await page
    .getByRole('dialog', { name: 'Delete “shipment.delayed”?' })
    .getByRole('button', { name: 'Delete' })
    .click();
  await page.getByText('“shipment.delayed” is deleted.').waitFor();
  await close();
});

test('a change of somebody else is not undone', async () => {
  await api('POST', '/event-types', { name: 'stock.low', description: 'one' });
  const { page, close } = await openPage(browser, { path: '#/event-types?type=stock.low&edit=own' });
  await signIn(page, tenant.key);
  const form = page.getByRole('dialog', { name: 'Edit event type' });
  await form.getByLabel('Description').fill('mine');
  await api('PATCH', '/event-types/stock.low', { description: 'theirs' });
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText('Somebody else changed it meanwhile').waitFor();
  await form.getByRole('button', { name: 'Show what it is now' }).click();
  await page.waitForFunction(() => [...document.querySelectorAll('textarea')].some(({ value }) => value === 'theirs'));
  await close();
});

test('found by a word, opened by keyboard; a common type is described anew', async () => {
  const { page, close } = await openPage(browser, { path: '#/event-types' });
  await signIn(page, tenant.key);
  await page.getByRole('textbox', { name: 'Search' }).fill('paid in full');
  await page.waitForURL(/q=paid/);
  const row = page.getByRole('button', { name: 'invoice.paid' });
  await row.waitFor();
  assert.equal(await page.getByRole('button', { name: 'invoice.created' }).count(), 0);
  await row.focus();
  await page.keyboard.press('Enter');
  const drawer = page.getByRole('dialog', { name: 'invoice.paid' });
  await drawer.getByRole('button', { name: 'Describe it yourself' }).click();
  await page.getByRole('dialog', { name: 'New event type' }).getByRole('button', { name: 'Create' }).click();
  await drawer.getByRole('button', { name: 'Delete' }).waitFor();
  assert.equal((await api('GET', '/event-types/invoice.paid')).is_own, true);
  await page.keyboard.press('Escape');
  await page.getByRole('textbox', { name: 'Search' }).fill('no such thing');
  await page.getByText('Nothing matches').waitFor();
  await close();
});

test('what strangers wrote is text and breaks no layout; who may only read sees no buttons', async () => {
  const hostile = `<script>window.hurt = 1</script><img src=x onerror="window.hurt=1"> \u202Ekcatta ${'x'.repeat(400)}`;
  await api('POST', '/event-types', {
    name: 'hostile.type',
    group: hostile.slice(0, 100),
    description: hostile,
    example: { text: hostile },
  });
  const { key } = await api('POST', '/api-keys', { name: 'reader', scopes: ['read'] });
  for (const [language, scheme, width] of [
    ['en', 'light', 'wide'],
    ['es', 'dark', 'narrow'],
  ]) {
    const { page, close } = await openPage(browser, { language, scheme, width, path: '#/event-types' });
    await signIn(page, key);
    await page.getByRole('button', { name: 'hostile.type' }).waitFor();
    await assertAccessible(page, 'catalogue');
    await page.goto(`${BASE}/#/event-types?type=hostile.type`);
    const drawer = page.getByRole('dialog', { name: 'hostile.type' });
    await drawer.getByText('<script>').first().waitFor();
    await assertAccessible(page, 'hostile type');
    assert.equal(await drawer.getByRole('button', { name: /^(Edit|Delete|Editar|Eliminar)$/ }).count(), 0);
    // nor a form by its address
    await page.goto(`${BASE}/#/event-types?type=hostile.type&edit=own`);
    await drawer.getByText('<script>').first().waitFor();
    assert.equal(await page.locator('form').count(), 0);
    assert.equal(await page.evaluate(() => window.hurt), undefined);
    await close();
  }
});
