// What the page's Content-Security-Policy keeps out, asked of a browser and not of the header.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, startBrowser, tokenField } from './browser.mjs';
import { startReceiver } from './receiver.mjs';

const DIRECTIVES = [
  'script-src-elem',
  'script-src-attr',
  'style-src-elem',
  'style-src-attr',
  'frame-src',
  'img-src',
  'connect-src',
];

let browser;
let stranger;
before(async () => {
  browser = await startBrowser();
  stranger = await startReceiver();
});
after(async () => {
  await browser.close();
  await stranger.close();
});

test('the page comes up without breaking its own policy', async () => {
  const page = await browser.newPage();
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  await page.goto(`${BASE}/`);
  await tokenField(page).waitFor();
  assert.deepEqual(
    said.filter((text) => text.includes('Content Security Policy')),
    [],
  );
  await page.close();
});

test('script, style, frames and requests of a stranger do nothing', async () => {
  const page = await browser.newPage();
  await page.goto(`${BASE}/`);
  await tokenField(page).waitFor();
  const tried = await page.evaluate(async (url) => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => window.violations.push(event.effectiveDirective));
    const put = (name, more) => document.body.append(Object.assign(document.createElement(name), more));
    put('script', { textContent: 'window.wasRun = true' });
    put('script', { src: url });
    put('style', { textContent: 'body { color: red }' });
    put('iframe', { src: url });
    put('img', { src: url });
    put('div', { innerHTML: '<b style="color: red" onclick="window.wasRun = true">x</b>' });
    document.body.lastElementChild.firstElementChild.click();
    const answer = await fetch(url).catch(() => null);
    return { wasRun: 'wasRun' in window, color: getComputedStyle(document.body).color, isAnswered: answer !== null };
  }, stranger.url);
  assert.equal(tried.wasRun, false);
  assert.equal(tried.isAnswered, false);
  assert.notEqual(tried.color, 'rgb(255, 0, 0)');
  for (const directive of DIRECTIVES) {
    // it is told of them one after the other
    await page.waitForFunction((wanted) => window.violations.includes(wanted), directive, { timeout: 10_000 });
  }
  assert.deepEqual(stranger.requests, []);
  await page.close();
});

test('another origin cannot show it in a frame', async () => {
  stranger.answer(200, `<iframe src="${BASE}/"></iframe>`, { 'content-type': 'text/html' });
  const page = await browser.newPage();
  await page.goto(stranger.url);
  const [, frame] = page.frames();
  await frame.waitForURL(/^chrome-error:/);
  assert.equal(await frame.locator('#root').count(), 0);
  await page.close();
});
