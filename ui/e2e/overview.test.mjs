// The overview: a newcomer's way to the first delivery, figures that follow, trouble, times in the address.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, newTenant, until } from './api.mjs';
import { assertAccessible, BASE, openPage, signIn, startBrowser } from './browser.mjs';
import { startReceiver } from './receiver.mjs';
import { sql } from './sql.mjs';

let browser;
let receiver;
before(async () => {
  browser = await startBrowser();
  receiver = await startReceiver();
});
after(async () => {
  await browser.close();
  await receiver.close();
});

/** A tenant of a test's own, to whom one event was delivered. */
async function tenantWithADelivery(name) {
  const tenant = await newTenant(name);
  const url = `${receiver.url}/${tenant.id}`;
  receiver.fix();
  await call('POST', '/subscriptions', { url, events: ['invoice.*'] }, tenant.key);
  await call('POST', '/events', { event: 'invoice.paid', payload: {} }, tenant.key);
  await until('a delivery', async () => {
    const { data } = await call('GET', '/deliveries?status=delivered', undefined, tenant.key);
    return data.length === 1;
  });
  return tenant;
}

const BAR = '.recharts-bar-rectangle path';
const tile = (page, label) => page.locator('dl > div').filter({ has: page.getByText(label, { exact: true }) });

test('a newcomer is led to the first delivery, and sees it without reloading', async () => {
  receiver.fix();
  const tenant = await newTenant('Newcomer');
  const { page, close } = await openPage(browser);
  await signIn(page, tenant.key);
  await page.getByRole('heading', { name: 'Two steps to the first delivery' }).waitFor();
  await assertAccessible(page, 'first steps');
  // what was sent before the last day by webhooks that are gone can be looked for
  await page.getByRole('button', { name: 'Custom' }).waitFor();
  assert.match(await page.getByRole('link', { name: 'New webhook' }).getAttribute('href'), /#\/webhooks\/new$/);

  await call('POST', '/subscriptions', { url: receiver.url, events: ['invoice.*'] }, tenant.key);
  await page.getByText('There is one already.').waitFor();

  const line = await page.getByRole('region', { name: 'Publish an event' }).textContent();
  assert.ok(line.includes(tenant.id), line);
  sql(line);
  await receiver.wait(1, ({ path }) => path === '/hook');
  await tile(page, 'Success rate').getByText('100%').waitFor();
  await tile(page, 'Success rate').getByText('1 delivered, 0 not').waitFor();
  await tile(page, 'Dispatchers').getByText('1', { exact: true }).waitFor();
  await page.getByText('Every receiver is healthy').waitFor();
  await close();
});

test('trouble shows: who fails, why, and what waits; the same figures are there as a table', async () => {
  const tenant = await tenantWithADelivery('In trouble');
  receiver.break();
  const broken = `${receiver.url}/broken`;
  await call('POST', '/subscriptions', { url: broken, events: ['order.paid'], retry_schedule: [600] }, tenant.key);
  for (let n = 0; n < 5; n += 1) await call('POST', '/events', { event: 'order.paid', payload: { n } }, tenant.key);
  const { page, close } = await openPage(browser, { path: '#/?range=1h' });
  await signIn(page, tenant.key);
  const trouble = page.getByRole('region', { name: 'Receivers in trouble' });
  const failing = trouble.getByRole('listitem').filter({ hasText: broken });
  await failing.getByText('Failing').waitFor();
  await tile(page, 'Backlog').getByText('5', { exact: true }).waitFor();
  const kinds = page.getByRole('region', { name: 'Failed attempts by kind' });
  await kinds.getByText('5 (100%)').waitFor();

  const deliveries = page.getByRole('region', { name: 'Deliveries over time' });
  await deliveries.getByRole('img', { name: /^Bar chart. 1 delivered, 5 attempts to be retried, 0 not/ }).waitFor();
  await deliveries.locator(BAR).first().waitFor();
  await deliveries.getByRole('button', { name: 'Show as table' }).click();
  await deliveries.getByRole('columnheader', { name: 'To be retried' }).waitFor();
  const cells = await deliveries.getByRole('cell').allTextContents();
  assert.equal(
    cells.filter((_, at) => at % 3 === 1).reduce((sum, text) => sum + Number(text), 0),
    5,
  );
  await assertAccessible(page, 'a chart as a table');

  await kinds.getByRole('link').click();
  await page.waitForURL(/#\/deliveries\?.*error_kind=server_error/);
  await page.goBack();
  await failing.getByRole('link').click();
  await page.waitForURL(/#\/webhooks\/[0-9a-f-]{36}/);
  await close();
});

test('the time stands in the address: lengths, a time of one’s own, and nothing that makes no sense', async () => {
  const tenant = await tenantWithADelivery('Of its time');
  const { page, close } = await openPage(browser);
  await signIn(page, tenant.key);
  await page.getByText('7 days', { exact: true }).click();
  await page.waitForURL(/#\/\?range=7d$/);
  await page.getByRole('button', { name: 'Custom' }).click();
  const custom = page.getByRole('dialog', { name: 'Custom' });
  await custom.getByLabel('From').fill('2020-01-02T10:00');
  await custom.getByLabel('Until').fill('2020-01-01T10:00');
  await page.keyboard.press('Enter');
  await custom.getByText('Must be later than “From”').waitFor();
  await assertAccessible(page, 'a time of one’s own');
  await custom.getByLabel('Until').fill('2020-01-03T10:00');
  await page.keyboard.press('Enter');
  // in Madrid
  await page.waitForURL(/since=2020-01-02T09%3A00%3A00.000Z&until=2020-01-03T09%3A00%3A00.000Z/);
  await page.getByText('No attempt was made in this time').first().waitFor();
  await page.goto(`${BASE}/#/?range=9y&since=yesterday`);
  await tile(page, 'Success rate').getByText('1 delivered, 0 not').waitFor();
  await close();
});

test('who may only read is not sent to a form', async () => {
  const reader = await newTenant('Reader', ['read']);
  const { page, close } = await openPage(browser);
  await signIn(page, reader.key);
  await page.getByText('Your session may not create one').waitFor();
  assert.equal(await page.getByRole('link', { name: 'New webhook' }).count(), 0);
  await close();
});
