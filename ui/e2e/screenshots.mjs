// Writes pictures of every screen into docs/images (or the folder that is named), light and dark at 1280 pixels and some at 390.
// Further words choose screens: node e2e/screenshots.mjs ../docs/images overview webhooks
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openPage, startBrowser } from './browser.mjs';
import { seedDemo } from './demo.mjs';
import { SCREENS, show } from './screens.mjs';

const [folder = fileURLToPath(new URL('../../docs/images', import.meta.url)), ...only] = process.argv.slice(2);
const wanted = SCREENS.filter(({ name, forTests }) => !forTests && (only.length === 0 || only.includes(name)));

mkdirSync(folder, { recursive: true });
const demo = await seedDemo();
const browser = await startBrowser();
let bytes = 0;
for (const as of new Set(wanted.map((screen) => screen.as))) {
  for (const [width, scheme] of [
    ['wide', 'light'],
    ['wide', 'dark'],
    ['narrow', 'light'],
  ]) {
    const screens = wanted.filter((screen) => screen.as === as && (width === 'wide' || screen.narrow));
    if (screens.length === 0) continue;
    const { page, close } = await openPage(browser, { width, scheme });
    for (const screen of screens) {
      await show(page, screen, demo);
      const file = `${screen.name}${width === 'narrow' ? '-narrow' : ''}-${scheme}.png`;
      // neither what was clicked nor a hint over it belongs into the picture
      await page.mouse.move(0, 0);
      const picture = await page.screenshot({ animations: 'disabled', caret: 'hide' });
      // a palette of 256 colours makes it a third as big
      const small = execFileSync('pngquant', ['--strip', '-'], { input: picture, maxBuffer: 1e8 });
      writeFileSync(`${folder}/${file}`, small);
      bytes += small.length;
    }
    await close();
  }
}
await browser.close();
await demo.close();
console.log(`${(bytes / 1e6).toFixed(1)} MB of pictures are in ${folder}`);
