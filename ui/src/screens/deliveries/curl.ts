// A request as a command for a POSIX shell. Whatever it holds, the shell takes it as text and the terminal shows it.
import type { Schema } from '../../api';

/** `notes` are put before it as comments: single lines of ours. */
export function asCurl({ method, url, headers, body }: Schema<'Preview'>, notes: readonly string[]): string {
  const lines = [
    // no globbing by curl of [] and {} in the address
    `curl --globoff -X ${quote(method)} ${quote(url)}`,
    ...headers.map(({ name, value }) => `-H ${quote(`${name}: ${value}`)}`),
    `--data-raw ${quote(body)}`,
  ];
  return `${notes.map((note) => `# ${note}`).join('\n')}\n${lines.join(' \\\n  ')}\n`;
}

// what a terminal acts on, or shows in another order than it runs
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** In single quotes nothing has a meaning but the single quote; what is not seen is written as bytes in octal. */
export function quote(text: string): string {
  if (text.search(UNSEEN) === -1) return `'${text.replaceAll("'", `'\\''`)}'`;
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replace(UNSEEN, bytes);
  return `$'${escaped}'`;
}

function bytes(character: string): string {
  return [...new TextEncoder().encode(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
