// The whole story as a customer lives it, in both languages, on wide and narrow screens, by pointer and by keyboard alone: a webhook is
// made, hears of an event, its receiver breaks and is mended, what was lost is replayed, and the secret is rotated. Nothing is reloaded.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newTenant } from './api.mjs';
import { openPage, startBrowser, tokenField } from './browser.mjs';
import { keyboard, pointer } from './hands.mjs';
import { isSigned, startReceiver } from './receiver.mjs';
import { sql } from './sql.mjs';

const WORDS = {
  en: {
    openNavigation: 'Open navigation',
    newWebhook: 'New webhook',
    description: 'Description',
    search: /^Search, or type a pattern/,
    retries: /^Answers and retries/,
    schedule: 'Retries',
    ownSchedule: 'A schedule of your own',
    waits: 'Waits between attempts',
    create: 'Create webhook',
    copied: 'I have copied it',
    panel: 'Selected webhook',
    deliveries: 'Deliveries',
    delivered: 'Delivered',
    retrying: 'Retrying',
    abandoned: 'Abandoned',
    twice: /^2 attempts/,
    healthy: 'Healthy',
    failing: 'Failing',
    degraded: 'Degraded',
    all: 'All in Deliveries',
    bulk: 'Bulk actions',
    replay: 'Replay a webhook…',
    replaying: 'Replay a webhook',
    start: 'Replay 4',
    done: 'Done',
    close: 'Close',
    more: 'More actions',
    rotate: 'Rotate secret',
    rotating: 'Rotate the secret',
    rotated: 'The new secret',
    made: 'The signing secret',
  },
  es: {
    openNavigation: 'Abrir navegación',
    newWebhook: 'Nuevo Webhook',
    description: 'Descripción',
    search: /^Busque, o escriba un patrón/,
    retries: /^Respuestas y reintentos/,
    schedule: 'Reintentos',
    ownSchedule: 'Un calendario propio',
    waits: 'Esperas entre intentos',
    create: 'Crear webhook',
    copied: 'Ya lo copié',
    panel: 'Webhook seleccionado',
    deliveries: 'Entregas',
    delivered: 'Entregada',
    retrying: 'Reintentando',
    abandoned: 'Abandonada',
    twice: /^2 intentos/,
    healthy: 'Sano',
    failing: 'Fallando',
    degraded: 'Degradado',
    all: 'Todas en Entregas',
    bulk: 'Acciones en bloque',
    replay: 'Repetir un webhook…',
    replaying: 'Repetir un webhook',
    start: 'Repetir 4',
    done: 'Terminada',
    close: 'Cerrar',
    more: 'Más acciones',
    rotate: 'Rotar el secreto',
    rotating: 'Rotar el secreto',
    rotated: 'El secreto nuevo',
    made: 'El secreto de firma',
  },
};

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

// all at once: most of a story is waiting
describe('from the first webhook to a rotated secret', { concurrency: 4 }, () => {
  for (const [language, width, by] of [
    ['en', 'wide', 'keyboard'],
    ['es', 'wide', 'pointer'],
    ['en', 'narrow', 'pointer'],
    ['es', 'narrow', 'keyboard'],
  ]) {
    test(`${language}, ${width}, by ${by}`, async (story) => {
      const receiver = await startReceiver();
      story.after(() => receiver.close());
      const tenant = await newTenant(`Story ${language} ${width}`);
      const { page, close } = await openPage(browser, { language, width });
      const hands = by === 'keyboard' ? keyboard(page) : pointer();
      await live({ page, hands, receiver, tenant, words: WORDS[language] });
      await close();
    });
  }
});

/** By SQL, as a business module does in its transaction. */
const publish = (tenant, event) =>
  sql(`INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ('${tenant.id}', '${event}', '{"total": 12}')`);

async function live({ page, hands, receiver, tenant, words }) {
  const button = (name) => page.getByRole('button', { name, exact: true });
  const link = (name) => page.getByRole('link', { name, exact: true });
  const dialog = (name) => page.getByRole('dialog', { name });
  const panel = page.getByRole('region', { name: words.panel });
  const log = panel.getByRole('list', { name: words.deliveries });
  const visit = async (name) => {
    const burger = button(words.openNavigation);
    if (await burger.isVisible()) await hands.press(burger);
    await hands.press(page.getByRole('navigation').getByRole('link', { name, exact: true }));
  };
  const takeSecret = async (title) => {
    const secret = await dialog(title).locator('[data-secret]').textContent();
    await hands.press(button(words.copied));
    await dialog(title).waitFor({ state: 'detached' });
    return secret;
  };

  await hands.write(tokenField(page), tenant.key);
  await page.keyboard.press('Enter');
  await page.locator('#content').waitFor();
  await page.evaluate(() => {
    window.isTheSame = true;
  });

  await visit('Webhooks');
  await hands.press(link(words.newWebhook).first());
  await hands.write(page.getByRole('textbox', { name: 'URL' }), receiver.url);
  await hands.write(page.getByRole('textbox', { name: words.description }), 'Acme');
  await hands.write(page.getByRole('textbox', { name: words.search }), 'invoice.*');
  await page.keyboard.press('Enter');
  await hands.press(page.getByRole('button', { name: words.retries }));
  const schedule = page.getByRole('combobox', { name: words.schedule });
  await hands.pick(schedule, page.getByRole('option', { name: words.ownSchedule }));
  // long enough to be seen as retrying, on a busy machine too
  await hands.write(page.getByRole('textbox', { name: words.waits }), '10s');
  await hands.press(button(words.create));
  const secret = await takeSecret(words.made);

  publish(tenant, 'invoice.paid');
  const [first] = await receiver.wait(1);
  assert.ok(isSigned(first, secret));
  await log.getByText(words.delivered).waitFor();
  await panel.getByText(words.healthy).waitFor();

  receiver.break();
  for (const event of ['invoice.sent', 'invoice.late', 'invoice.void']) publish(tenant, event);
  await log.getByText(words.retrying).first().waitFor();
  await log.getByText(words.twice).nth(2).waitFor();
  await log.getByText(words.abandoned).nth(2).waitFor();
  await panel.getByText(words.failing).waitFor();

  receiver.fix();
  const lost = receiver.requests.length;
  await hands.press(panel.getByRole('link', { name: words.all }));
  await hands.press(button(words.bulk));
  await hands.choose(page.getByRole('menuitem', { name: words.replay }));
  await hands.press(dialog(words.replaying).getByRole('button', { name: words.start }));
  await dialog(words.replaying).getByText(words.done).waitFor();
  const again = (await receiver.wait(lost + 4)).slice(lost);
  assert.ok(again.every((request) => isSigned(request, secret)));
  assert.equal(new Set(again.map(({ headers }) => headers['webhook-id'])).size, 4);
  await hands.press(dialog(words.replaying).getByRole('button', { name: words.close, exact: true }).last());

  await visit('Webhooks');
  await hands.press(page.getByRole('button', { name: 'Acme' }));
  await log.getByText(words.delivered).nth(3).waitFor();
  await panel.getByText(words.degraded).waitFor();

  await hands.press(panel.getByRole('button', { name: words.more }));
  await hands.choose(page.getByRole('menuitem', { name: words.rotate }));
  await hands.press(dialog(words.rotating).getByRole('button', { name: words.rotate }));
  const next = await takeSecret(words.rotated);
  const kept = await page.evaluate(
    () => document.documentElement.outerHTML + JSON.stringify([localStorage, sessionStorage]),
  );
  assert.ok(!kept.includes(secret) && !kept.includes(next), 'no secret is left');
  const count = receiver.requests.length;
  publish(tenant, 'invoice.paid');
  const last = (await receiver.wait(count + 1)).at(-1);
  assert.notEqual(next, secret);
  assert.ok(isSigned(last, next));
  await log.getByText(words.delivered).nth(4).waitFor();
  assert.equal(await page.evaluate(() => window.isTheSame), true);
}
