// axe-core on every screen and dialog of the list, with a tenant full of life: each at both widths, in both schemes and languages.
import { after, before, test } from 'node:test';
import { assertAccessible, openPage, startBrowser } from './browser.mjs';
import { seedDemo } from './demo.mjs';
import { SCREENS, show } from './screens.mjs';

let browser;
let demo;
before(async () => {
  [browser, demo] = await Promise.all([startBrowser(), seedDemo({ isPast: false })]);
});
after(async () => {
  await browser.close();
  await demo.close();
});

const READERS = [
  { width: 'wide', scheme: 'light', language: 'en' },
  { width: 'narrow', scheme: 'dark', language: 'es' },
];

for (const as of new Set(SCREENS.map((screen) => screen.as))) {
  test(`axe finds nothing: what ${as ?? 'a key'} sees`, async () => {
    await Promise.all(
      READERS.map(async (reader) => {
        const { page, close } = await openPage(browser, reader);
        for (const screen of SCREENS.filter((one) => one.as === as && !one.forPictures)) {
          await show(page, screen, demo);
          const what = `${screen.name}, ${Object.values(reader).join(', ')}`;
          await assertAccessible(page, what, screen.over ? '[role="dialog"]' : null);
        }
        await close();
      }),
    );
  });
}
