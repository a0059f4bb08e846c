// JSON with line breaks, for eyes. Nothing is parsed and written again: numbers keep all their digits.
const OPENS = '{[';
const CLOSES = '}]';

/** Text that is no JSON comes back as it is. */
export function indentJson(text: string): string {
  if (!isJson(text)) return text;
  let out = '';
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (inString) {
      out += char;
      if (char === '\\') {
        at += 1;
        out += text[at] ?? '';
      } else if (char === '"') inString = false;
    } else if (char === '"') {
      inString = true;
      out += char;
    } else if (OPENS.includes(char)) {
      depth += 1;
      out += isEmptyAfter(text, at) ? char : char + lineAt(depth);
    } else if (CLOSES.includes(char)) {
      depth -= 1;
      out += OPENS.includes(out.at(-1) ?? ' ') ? char : lineAt(depth) + char;
    } else if (char === ',') out += char + lineAt(depth);
    else if (char === ':') out += ': ';
    else if (!/\s/.test(char)) out += char;
  }
  return out;
}

const lineAt = (depth: number): string => `\n${'  '.repeat(depth)}`;

const isEmptyAfter = (text: string, at: number): boolean => /^\s*[}\]]/.test(text.slice(at + 1, at + 50));

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
