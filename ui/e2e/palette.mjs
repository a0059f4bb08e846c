// Makes pictures of screens small: PNG with a palette of 256 colours, to which the rest are nearest.
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const RGB = 2;
const RGBA = 6;

/** Of a PNG as Chromium writes them: 8 bits each of red, green, blue and perhaps alpha, not interlaced. */
export function withPalette(png) {
  const { width, height, size, pixels } = read(png);
  const counts = new Map();
  for (let at = 0; at < pixels.length; at += size) {
    const colour = pixels.readUIntBE(at, 3);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = choose([...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)));
  const places = new Map([...counts.keys()].map((colour) => [colour, nearest(palette, colour).at]));
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      rows[y * (width + 1) + 1 + x] = places.get(pixels.readUIntBE((y * width + x) * size, 3));
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.alloc(palette.length * 3);
  palette.forEach((colour, at) => {
    colours.writeUIntBE(colour, at * 3, 3);
  });
  const parts = [
    chunk('IHDR', head),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND'),
  ];
  return Buffer.concat([SIGNATURE, ...parts]);
}

function read(png) {
  const data = [];
  let head;
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const kind = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR') head = body;
    if (kind === 'IDAT') data.push(body);
    at += length + 12;
  }
  const [width, height, depth, kind] = [head.readUInt32BE(0), head.readUInt32BE(4), head[8], head[9]];
  if (depth !== 8 || (kind !== RGB && kind !== RGBA)) throw new Error(`a PNG of depth ${depth} and kind ${kind}`);
  const size = kind === RGB ? 3 : 4;
  return { width, height, size, pixels: unfilter(inflateSync(Buffer.concat(data)), width * size, height, size) };
}

/** Each row says how its bytes differ from their neighbours (PNG specification, section 9). */
function unfilter(rows, stride, height, size) {
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = rows[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x;
      const left = x >= size ? pixels[at - size] : 0;
      const up = y > 0 ? pixels[at - stride] : 0;
      const corner = x >= size && y > 0 ? pixels[at - stride - size] : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      pixels[at] = rows[y * (stride + 1) + 1 + x] + guess;
    }
  }
  return pixels;
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** The most frequent first, at first only those unlike each other: else shades of grey would leave no place for a rare colour. */
function choose(colours) {
  const palette = [];
  for (const unlike of [900, 300, 80, 1]) {
    for (const colour of colours) {
      if (palette.length === 256) return palette;
      if (nearest(palette, colour).far >= unlike) palette.push(colour);
    }
  }
  return palette;
}

function nearest(palette, colour) {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < palette.length && least > 0; at += 1) {
    const red = (palette[at] >> 16) - (colour >> 16);
    const green = ((palette[at] >> 8) & 255) - ((colour >> 8) & 255);
    const blue = (palette[at] & 255) - (colour & 255);
    const far = red * red + green * green + blue * blue;
    if (far < least) [best, least] = [at, far];
  }
  return { at: best, far: least };
}

function chunk(kind, body = Buffer.alloc(0)) {
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), body]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(body.length, 0);
  ends.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)]);
}
