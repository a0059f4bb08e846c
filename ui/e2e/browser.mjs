// A headless Chromium for the tests, and what every page must keep: no error in the console, no request to another host.
import assert from 'node:assert/strict';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

export const BASE = (process.env.POSTHORN_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '');
export const KEY = process.env.POSTHORN_KEY ?? '';
export const ADMIN_TOKEN = process.env.POSTHORN_ADMIN_TOKEN ?? '';
export const DATABASE_URL = process.env.DATABASE_URL ?? '';

const CHROMIUM = process.env.POSTHORN_CHROMIUM ?? '/usr/bin/chromium';
const WIDTHS = { wide: { width: 1280, height: 860 }, narrow: { width: 390, height: 844 } };
// What the browser itself says of an answer that is not 2xx; tests ask for such answers.
const EXPECTED = /Failed to load resource: the server responded with a status of \d+/;

/** Starts the browser; close it when done. */
export function startBrowser() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      // Chromium refuses its sandbox to root, as whom tests run in containers
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

/**
 * A fresh session of a reader: `width` is `wide` (1280) or `narrow` (390). `faults` collects what must not happen;
 * call `close()`, which fails if anything did.
 */
export async function openPage(browser, { width = 'wide', scheme = 'light', language = 'en', path = '' } = {}) {
  const context = await browser.newContext({
    viewport: WIDTHS[width],
    colorScheme: scheme,
    locale: language,
    timezoneId: 'Europe/Madrid',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !EXPECTED.test(message.text())) {
      faults.push(`console: ${message.text()}`);
    }
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.origin !== new URL(BASE).origin) faults.push(`request to ${url.origin}`);
  });
  await page.goto(`${BASE}/${path}`);
  const close = async () => {
    await context.close();
    assert.deepEqual(faults, []);
  };
  return { page, context, faults, close };
}

/** The label of the sign-in field, in the language that is shown. */
export const tokenField = (page) => page.getByLabel(/^(API key or admin token|Clave de API o token)/);

/** Signs in by the form and waits for the shell. */
export async function signIn(page, token = KEY) {
  await tokenField(page).fill(token);
  await page.keyboard.press('Enter');
  await page.locator('#content').waitFor();
}

/**
 * Fails with what axe-core found on the page as it is, and when the page is wider than its window. `within`: a selector of the part
 * to look at, such as a dialog over a page that was looked at before.
 */
export async function assertAccessible(page, what, within = null) {
  // what fades in has no full contrast yet
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter((one) => one.effect?.getComputedTiming().iterations !== Number.POSITIVE_INFINITY)
        .map((one) => one.finished),
    ),
  );
  // in one go, without a second page to put frames together in: there are none
  const axe = new AxeBuilder({ page }).options({ resultTypes: ['violations'] }).setLegacyMode();
  const { violations } = await (within ? axe.include(within) : axe).analyze();
  const found = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
  );
  assert.deepEqual(found, [], what);
  const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(tooWide <= 0, `${what}: the page is ${tooWide} pixels wider than its window`);
}
