// Fails when the first load (index.html, the entry chunk with what it imports, the style sheets) is too large.
import { readFileSync } from 'node:fs';
import { brotliCompressSync } from 'node:zlib';

const LIMIT_BYTES = 300_000;
const read = (name) => readFileSync(new URL(`dist/${name}`, import.meta.url));
const html = read('index.html').toString();
const names = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map((match) => match[1]);
let total = 0;
for (const name of ['index.html', ...names]) {
  const bytes = brotliCompressSync(read(name)).length;
  total += bytes;
  console.log(`${String(bytes).padStart(8)}  ${name}`);
}
console.log(`${String(total).padStart(8)}  of ${LIMIT_BYTES} bytes, compressed by brotli`);
if (total > LIMIT_BYTES) {
  console.error('the first load is too large');
  process.exit(1);
}
