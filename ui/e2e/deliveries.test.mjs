// The delivery log: live, filtered by the address, one delivery with its attempts, and what is done to many.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import { call, until } from './api.mjs';
import { assertAccessible, BASE, openPage, signIn, startBrowser } from './browser.mjs';
import { isSigned, startReceiver } from './receiver.mjs';

let browser;
let receiver;
// of each test its own: what the others sent does not show
let webhook;
let type;
let count = 0;
before(async () => {
  browser = await startBrowser();
  receiver = await startReceiver();
});
beforeEach(async () => {
  count += 1;
  type = `page_${Date.now()}_${count}.tried`;
  const more = { retry_schedule: [600], max_retries: 2 };
  webhook = await call('POST', '/subscriptions', { url: `${receiver.url}/${count}`, events: [type], ...more });
});
afterEach(() => call('DELETE', `/subscriptions/${webhook.id}`));
after(async () => {
  await browser.close();
  await receiver.close();
});

const publish = (payload = '{"n": 1}', event = type) =>
  call('POST', '/events', `{"event": "${event}", "payload": ${payload}}`);
const deliveryOf = (event, status) =>
  until(`a delivery that is ${status}`, async () => {
    const { data } = await call('GET', `/events/${event.id}/deliveries`);
    return data.find((one) => one.subscription_id === webhook.id && one.status === status);
  });
const mine = `#/deliveries?subscription_id=`;
const rows = (page) => page.getByRole('table', { name: 'Deliveries' }).locator('tbody tr');
const retryByFilter = async (page) => {
  await page.getByRole('button', { name: 'Bulk actions' }).click();
  await page.getByRole('menuitem', { name: 'Retry these deliveries…' }).click();
};

test('a new delivery appears without reloading, and its drawer tells everything', async () => {
  receiver.answer(204);
  const { page, context, close } = await openPage(browser, { path: `${mine}${webhook.id}` });
  await context.grantPermissions(['clipboard-write']);
  // the page may write into the clipboard and not read it, so what it writes is kept on the way
  await page.evaluate(() => {
    const write = navigator.clipboard.writeText.bind(navigator.clipboard);
    navigator.clipboard.writeText = (text) => {
      window.copied = text;
      return write(text);
    };
  });
  await signIn(page);
  await page.getByText('Nothing matches these filters').waitFor();
  const event = await publish('{"big": 12345678901234567890.10, "quote": "it\'s $HOME `id` \\\\", "mark": "a\u202eb"}');
  await page.getByRole('cell', { name: 'HTTP 204' }).waitFor();
  await page.getByRole('button', { name: type }).click();
  const drawer = page.getByRole('dialog', { name: type });
  await drawer.getByText('Accepted with HTTP 204 on attempt 1').waitFor();
  assert.match(page.url(), /delivery=[0-9a-f-]{36}/);
  await drawer.getByRole('tab', { name: 'Payload' }).click();
  // the digits are those that were published
  await drawer.getByText('12345678901234567890.10').waitFor();

  await drawer.getByRole('button', { name: 'Copy as curl' }).click();
  const command = await page.evaluate(() => window.copied);
  assert.match(command, /^# /);
  assert.ok(!command.includes('\u202e'), 'what is not seen is escaped');
  // by a real shell: the command sends the same body with the same id
  const before = receiver.requests.length;
  await promisify(execFile)('bash', ['-c', command]);
  const [sent, again] = [receiver.requests.at(before - 1), receiver.requests.at(-1)];
  assert.equal(receiver.requests.length, before + 1);
  assert.deepEqual(JSON.parse(again.body).data, JSON.parse(sent.body).data);
  assert.equal(again.headers['webhook-id'], event.id);
  assert.ok(isSigned(sent, webhook.secret));
  assert.equal(again.headers['webhook-signature'], 'v1,<hidden>');

  // the drawer has an address of its own, and Escape closes it
  await page.reload();
  await drawer.getByText('Accepted with HTTP 204').waitFor();
  await page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'hidden' });
  assert.doesNotMatch(page.url(), /delivery=/);
  await close();
});

test('the request of a batch is shown with the id that it was sent with', async () => {
  receiver.answer(204);
  await call('PATCH', `/subscriptions/${webhook.id}`, { batch_max: 2, batch_wait_ms: 100 });
  const event = await publish();
  const delivery = await deliveryOf(event, 'delivered');
  const sent = receiver.requests.at(-1).headers['webhook-id'];
  assert.notEqual(sent, event.id);
  const { page, close } = await openPage(browser, { path: `#/deliveries?delivery=${delivery.id}` });
  await signIn(page);
  await page.getByRole('tab', { name: 'Request' }).click();
  await page.getByRole('row').filter({ hasText: 'webhook-id' }).getByText(sent, { exact: true }).waitFor();
  await close();
});

test('why and when it is retried is said; retry and cancel by hand', async () => {
  receiver.answer(503, '{"sorry": true}', { 'content-type': 'application/json' });
  const delivery = await deliveryOf(await publish(), 'retrying');
  const { page, close } = await openPage(browser, { path: `#/deliveries?delivery=${delivery.id}` });
  await signIn(page);
  const drawer = page.getByRole('dialog', { name: type });
  await drawer
    .getByText(/Attempt 1 failed \(HTTP 503, Server error \(5xx\)\)\. Attempt 2 follows in .+ 1 more retry/)
    .waitFor();
  await drawer.getByRole('region', { name: 'Response body' }).getByText('sorry').waitFor();
  await drawer.getByText('Headers and body are not stored').waitFor();
  // chosen by hand it stays open when another attempt comes
  const attempt = drawer.getByRole('button', { name: /^Attempt 1/ });
  await attempt.click();
  await attempt.click();
  await assertAccessible(page, 'drawer of a delivery');
  await drawer.getByRole('button', { name: 'Cancel delivery' }).click();
  const question = page.getByRole('dialog', { name: 'Cancel this delivery?' });
  await question.getByRole('button', { name: 'Cancel delivery' }).click();
  await drawer.getByText('Cancelled. It is sent only if').waitFor();
  receiver.answer(200);
  await drawer.getByRole('button', { name: 'Retry now' }).click();
  await drawer.getByText('Accepted with HTTP 200 on attempt 1').waitFor();
  await drawer.getByText('Retried by hand').waitFor();
  await drawer.getByRole('tab', { name: 'Attempts (2)' }).waitFor();
  await drawer.getByRole('region', { name: 'Response body' }).getByText('sorry').waitFor();
  await close();
});

test('the list holds still while one reads; a chip counts what is new and shows it', async () => {
  receiver.answer(204);
  await Promise.all(Array.from({ length: 55 }, (_, n) => publish(`{"n": ${n}}`)));
  const { page, close } = await openPage(browser, { path: `${mine}${webhook.id}` });
  await signIn(page);
  await rows(page).nth(49).waitFor();
  await page.mouse.wheel(0, 900);
  await page.waitForFunction(() => window.scrollY > 200);
  const place = await page.evaluate(() => window.scrollY);
  await page.waitForResponse((answer) => answer.url().includes('until='));
  const first = await rows(page).first().elementHandle();
  const event = await publish('{"late": 1}');
  await deliveryOf(event, 'delivered');
  await page.getByRole('button', { name: '1 new' }).waitFor();
  assert.equal(await page.evaluate(() => window.scrollY), place, 'nothing jumps');
  assert.equal(await rows(page).count(), 50);
  assert.ok(
    await rows(page)
      .first()
      .evaluate((row, before) => row === before, first),
    'the same row is the first',
  );
  await page.getByRole('button', { name: '1 new' }).click();
  await page.waitForFunction(() => window.scrollY === 0);
  await page.getByRole('button', { name: 'Older' }).click();
  await page.getByText('Page 2').waitFor();
  await publish('{"later": 1}');
  await page.getByRole('button', { name: '1 new' }).click();
  await page.getByText('Page 1').waitFor();
  await close();
});

test('filters stand in the address, and a wrong one is told under its field', async () => {
  receiver.answer(204);
  await publish('{"late": 0}');
  await publish('{"late": 1}');
  const path = `#/deliveries?payload=${encodeURIComponent('$.late == 1')}&subscription_id=${webhook.id}`;
  const { page, close } = await openPage(browser, { path });
  await signIn(page);
  await rows(page).first().waitFor();
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
  const field = page.getByLabel('Payload (jsonpath)');
  assert.equal(await field.inputValue(), '$.late == 1');
  await field.fill('$.late ==');
  await field.press('Enter');
  await page.waitForFunction(() => document.querySelector('[aria-invalid="true"]') !== null);
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
  await page.waitForFunction(() => window.location.hash === '#/deliveries');
  await page.getByRole('combobox', { name: 'Status' }).click();
  await page.getByRole('option', { name: 'Delivered' }).click();
  await page.waitForFunction(() => window.location.hash === '#/deliveries?status=delivered');
  // a webhook that is switched off can be chosen too
  const off = await call('POST', '/subscriptions', { url: `${receiver.url}/off`, events: ['off.*'], active: false });
  await page.reload();
  await page.getByRole('combobox', { name: 'Webhook' }).click();
  await page.getByRole('option', { name: off.url }).click();
  await page.waitForURL(new RegExp(off.id));
  await call('DELETE', `/subscriptions/${off.id}`);
  await close();
});

test('many are retried and replayed: counted first, progress while it runs', async () => {
  receiver.answer(422);
  for (let n = 0; n < 3; n += 1) await deliveryOf(await publish(`{"bulk": ${n}}`), 'failed');
  receiver.answer(204);
  const { page, close } = await openPage(browser, { path: `${mine}${webhook.id}&status=failed` });
  await signIn(page);
  await rows(page).nth(2).waitFor();
  await retryByFilter(page);
  const dialog = page.getByRole('dialog', { name: 'Retry many deliveries' });
  await dialog.getByText('3 deliveries will be sent again.').waitFor();
  await assertAccessible(page, 'bulk retry');
  await dialog.getByRole('button', { name: 'Retry 3' }).click();
  await dialog.getByText('Done').waitFor();
  await dialog.getByText('3 of 3').waitFor();
  await assertAccessible(page, 'progress of a job');
  await page.keyboard.press('Escape');
  await page.getByText('Nothing matches these filters').waitFor();

  const path = `${BASE}/#/deliveries?do=replay&subscription_id=${webhook.id}&event=${type}`;
  await page.goto(`${path}&since=${encodeURIComponent(new Date(Date.now() - 3_600_000).toISOString())}`);
  const replay = page.getByRole('dialog', { name: 'Replay a webhook' });
  await replay.getByText(/^\d+ deliveries will be sent again\.$/).waitFor();
  await assertAccessible(page, 'replay');
  await replay.getByRole('button', { name: /^Replay \d+$/ }).click();
  await replay.getByText('Done').waitFor();
  await replay.getByRole('link', { name: 'Open jobs' }).click();
  await page.getByRole('button', { name: 'Replay' }).first().click();
  const job = page.getByRole('dialog', { name: 'Replay' });
  await job.getByText('Asked for by').waitFor();
  await assertAccessible(page, 'drawer of a job');
  await close();
});

test('what strangers wrote is text and breaks no layout', async () => {
  const script = '<script>window.broken=1</script><img src=x onerror=window.broken=1>\u202e';
  receiver.answer(500, Buffer.concat([Buffer.from(script), Buffer.from([0xff, 0xfe]), Buffer.alloc(1_000_000, 'a')]));
  const delivery = await deliveryOf(
    await publish(JSON.stringify({ [script]: script, long: 'x'.repeat(100_000) })),
    'retrying',
  );
  const { page, close } = await openPage(browser, { width: 'narrow', path: `#/deliveries?delivery=${delivery.id}` });
  await signIn(page);
  const drawer = page.getByRole('dialog', { name: type });
  await drawer.getByText('cut: only its beginning is kept').waitFor();
  await drawer.getByRole('region', { name: 'Response body' }).getByText('<script>window.broken=1').waitFor();
  await assertAccessible(page, 'hostile response');
  await drawer.getByRole('tab', { name: 'Payload' }).click();
  await drawer.getByRole('button', { name: /^Show all/ }).click();
  await drawer.getByRole('region', { name: 'Payload' }).getByText('<img src=x').first().waitFor();
  await assertAccessible(page, 'hostile payload');
  assert.equal(await page.evaluate(() => 'broken' in window), false);
  await close();
});
