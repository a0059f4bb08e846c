// Events: publishing by hand, the payload as it was typed, what became of it, cancelling.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from './api.mjs';
import { assertAccessible, openPage, signIn, startBrowser } from './browser.mjs';
import { startReceiver } from './receiver.mjs';

let browser;
let receiver;
let webhook;
const TYPE = `page_${Date.now()}.published`;
before(async () => {
  browser = await startBrowser();
  receiver = await startReceiver();
  webhook = await call('POST', '/subscriptions', {
    url: receiver.url,
    events: [TYPE],
    retry_schedule: [600],
  });
  await call('POST', '/events', { event: TYPE, payload: { n: 0 } });
});
after(async () => {
  await call('DELETE', `/subscriptions/${webhook.id}`);
  await browser.close();
  await receiver.close();
});

test('a test event is published by the form, and its delivery is seen', async () => {
  receiver.fix();
  const { page, close } = await openPage(browser, { path: '#/events' });
  await signIn(page);
  await page.getByRole('button', { name: 'Publish a test event' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Publish a test event' });
  await dialog.getByLabel('Event type').fill(TYPE);
  const payload = dialog.getByLabel('Payload');
  await payload.fill('{"amount": 1.10,}');
  await dialog.getByRole('button', { name: 'Publish', exact: true }).click();
  await dialog.getByText(/This is not valid JSON/).waitFor();
  await payload.fill('[1]');
  await dialog.getByRole('button', { name: 'Publish', exact: true }).click();
  await dialog.getByText('It must be a JSON object').waitFor();
  await payload.fill('{"amount":12345678901234567890.10}');
  await dialog.getByRole('button', { name: 'Tidy up' }).click();
  assert.equal(await payload.inputValue(), '{\n  "amount": 12345678901234567890.10\n}');
  await assertAccessible(page, 'publish');
  await dialog.getByRole('button', { name: 'Publish', exact: true }).click();
  const drawer = page.getByRole('dialog', { name: TYPE });
  await drawer.getByText('12345678901234567890.10').waitFor();
  await drawer.getByText('Delivered').first().waitFor();
  await assertAccessible(page, 'drawer of an event');
  assert.ok(
    receiver.requests.some(({ body }) => body.includes('12345678901234567890.10')),
    'the digits were sent',
  );
  await drawer.getByRole('link', { name: 'Show in the list' }).click();
  await page.getByRole('table', { name: 'Deliveries' }).getByText(TYPE).first().waitFor();
  await close();
});

test('the API’s refusal stands under its field', async () => {
  const { page, close } = await openPage(browser, { path: '#/events?publish=nodots' });
  await signIn(page);
  const dialog = page.getByRole('dialog', { name: 'Publish a test event' });
  await dialog.getByLabel('Payload').fill('{}');
  await dialog.getByRole('button', { name: 'Publish', exact: true }).click();
  const field = dialog.getByLabel('Event type');
  await page.waitForFunction(() => document.querySelector('[aria-invalid="true"]') !== null);
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  await close();
});

test('an event whose delivery waits can be cancelled', async () => {
  receiver.answer(503);
  const { id } = await call('POST', '/events', { event: TYPE, payload: { n: 1 } });
  const { page, close } = await openPage(browser, { path: `#/events?id=${id}` });
  await signIn(page);
  const drawer = page.getByRole('dialog', { name: TYPE });
  await drawer.getByText('Retrying').waitFor();
  await drawer.getByRole('button', { name: 'Cancel event' }).click();
  const question = page.getByRole('dialog', { name: 'Cancel this event?' });
  await question.getByRole('button', { name: 'Cancel event' }).click();
  await drawer.getByText('Cancelled').waitFor();
  await close();
});
