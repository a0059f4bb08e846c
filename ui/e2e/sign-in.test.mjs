// The way in and out: refused keys, accepted ones, links, and what the browser keeps of them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ADMIN_TOKEN, assertAccessible, BASE, KEY, openPage, signIn, startBrowser, tokenField } from './browser.mjs';

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

const stored = (page) =>
  page.evaluate(() => ({ local: JSON.stringify(localStorage), session: JSON.stringify(sessionStorage) }));

const isFocused = (page, text) => page.evaluate((wanted) => document.activeElement?.textContent === wanted, text);

test('a wrong key is refused in words, under the field', async () => {
  const { page, close } = await openPage(browser);
  await tokenField(page).fill('phk_0000000000_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').filter({ hasText: 'This key is not known' }).waitFor();
  assert.equal(await tokenField(page).getAttribute('aria-invalid'), 'true');
  assert.equal((await stored(page)).session, '{}');
  await close();
});

test('a token of a tenant’s issuer is not tried as the operator’s', async () => {
  const { page, close } = await openPage(browser);
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  await tokenField(page).fill('eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2lnbmVk');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').filter({ hasText: 'This key is not known' }).waitFor();
  assert.deepEqual(
    asked.filter((url) => url.includes('/admin/')),
    [],
  );
  await close();
});

test('a key that may not read is told so', async () => {
  const { page, context, close } = await openPage(browser);
  const caller = { tenant_id: crypto.randomUUID(), tenant_name: '', actor: 'api_key:x', permissions: ['publish'] };
  await context.route('**/webhooks/caller', (route) => route.fulfill({ json: caller }));
  await tokenField(page).fill(KEY);
  await page.keyboard.press('Enter');
  await page.getByRole('alert').filter({ hasText: 'This key may not read' }).waitFor();
  await close();
});

test('a good key enters, outlives a reload, and signing out forgets it', async () => {
  const { page, context, close } = await openPage(browser, { path: '#/deliveries' });
  await signIn(page);
  await page.getByRole('heading', { name: 'Deliveries', level: 1 }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Deliveries', level: 1 }).waitFor();

  const kept = await stored(page);
  assert.ok(kept.session.includes(KEY), 'a reload of the tab needs it');
  assert.ok(!kept.local.includes(KEY));
  assert.deepEqual(await context.cookies(), []);

  await page.getByRole('button', { name: /API key/ }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await tokenField(page).waitFor();
  const left = await stored(page);
  assert.ok(!left.session.includes(KEY) && !left.local.includes(KEY));
  assert.ok(!(await page.content()).includes(KEY));
  await close();
});

test('a session that the server ends leads back to the sign-in with a word why', async () => {
  const { page, close } = await openPage(browser);
  await page.evaluate(() => {
    const session = { token: 'phk_0000000000_revoked', tenantId: null, isPortal: false };
    sessionStorage.setItem('posthorn.session', JSON.stringify(session));
  });
  await page.reload();
  await page.getByText('Your session has ended').waitFor();
  // also when it is refused for another reason than the token
  await signIn(page);
  await page.route('**/webhooks/caller', (route) => route.fulfill({ status: 404, json: { title: 'Not found' } }));
  await page.reload();
  await page.getByText('Your session has ended').waitFor();
  await close();
});

test('the token of a portal link leaves the address at once', async () => {
  const { page, close } = await openPage(browser, { path: `#/portal?token=${encodeURIComponent(KEY)}` });
  await page.locator('#content').waitFor();
  assert.equal(page.url(), `${BASE}/#/`);
  await page.getByRole('button', { name: /Portal link/ }).waitFor();
  assert.ok(!(await stored(page)).local.includes(KEY));
  // and of one that is opened in a page that runs
  await page.evaluate((key) => {
    window.location.hash = `#/portal?token=${key}`;
  }, KEY);
  await page.waitForURL(`${BASE}/#/`);
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await close();
});

test('the operator chooses the tenant', { skip: ADMIN_TOKEN === '' }, async () => {
  const { page, close } = await openPage(browser);
  await signIn(page, ADMIN_TOKEN);
  await page.getByRole('button', { name: /Operator/ }).waitFor();
  await page.getByRole('combobox', { name: 'Tenant' }).waitFor();
  assert.ok(!(await stored(page)).local.includes(ADMIN_TOKEN));
  await close();
});

test('the server away is said, and trying again works', async () => {
  const { page, context, faults, close } = await openPage(browser);
  await context.route('**/api/**', (route) => route.abort());
  await tokenField(page).fill(KEY);
  await page.keyboard.press('Enter');
  await page.getByRole('alert').filter({ hasText: 'The server does not answer' }).waitFor();
  await context.unroute('**/api/**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('#content').waitFor();
  faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('net::ERR_FAILED')));
  await close();
});

test('by keyboard alone: in, over the skip link to the content, and out', async () => {
  const { page, close } = await openPage(browser);
  await tokenField(page).waitFor();
  await page.keyboard.type(KEY);
  await page.keyboard.press('Enter');
  await page.locator('#content').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'content');
  await page.getByRole('button', { name: /API key/ }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  for (let tabs = 0; tabs < 6 && !(await isFocused(page, 'Sign out')); tabs += 1) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await tokenField(page).waitFor();
  await close();
});

for (const [language, scheme, width] of [
  ['en', 'dark', 'wide'],
  ['es', 'light', 'narrow'],
]) {
  test(`axe finds nothing: ${language}, ${scheme}, ${width}`, async () => {
    const { page, close } = await openPage(browser, { language, scheme, width });
    await page.getByRole('button', { name: /Where do I get|Dónde consigo/ }).click();
    await assertAccessible(page, 'sign-in');
    await tokenField(page).fill('phk_0000000000_wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await assertAccessible(page, 'sign-in, refused');
    await signIn(page);
    await page.getByRole('heading', { level: 1 }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), language);
    await assertAccessible(page, 'shell');
    if (width === 'narrow') {
      await page.getByRole('button', { name: /Open navigation|Abrir navegación/ }).click();
    }
    await page.getByRole('button', { name: /^.*(API key|Clave de API)$/ }).click();
    await page.getByRole('button', { name: /Sign out|Cerrar sesión/ }).waitFor();
    await assertAccessible(page, 'shell with its menu');
    await close();
  });
}
