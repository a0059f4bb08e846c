// JSON as it was written. `JSON.parse` would turn 12345678901234567890.10 into another number; here its digits stay.

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** The text of a member of the object that `json` is; undefined when it has none. Of a well-formed document. */
export function memberText(json: string, name: string): string | undefined {
  let depth = 0;
  let key: string | null = null;
  let start: number | null = null;
  let last = '';
  for (const match of json.matchAll(TOKEN)) {
    const [token] = match;
    if (start !== null && depth === 1 && (token === ',' || token === '}')) return json.slice(start, match.index).trim();
    if (depth === 1 && token === ':' && start === null) {
      key = last;
      if (JSON.parse(key) === name) start = match.index + 1;
    }
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
    last = token;
  }
  return undefined;
}

/** The same JSON over several lines. What is not JSON comes out unchanged. */
export function prettyJson(json: string): string {
  if (!isJson(json)) return json;
  let printed = '';
  let depth = 0;
  let before = '';
  for (const [token] of json.matchAll(TOKEN)) {
    const isEnd = token === '}' || token === ']';
    const isBegun = before === '{' || before === '[';
    if (isEnd) depth -= 1;
    if (before === ',' || (isBegun && !isEnd) || (isEnd && !isBegun)) printed += `\n${'  '.repeat(depth)}`;
    printed += token === ':' ? ': ' : token;
    if (token === '{' || token === '[') depth += 1;
    before = token;
  }
  return printed;
}

/** JSON that goes out as it was typed. */
export class JsonText {
  constructor(readonly text: string) {}
}

/** As `JSON.stringify`, with every member that is a `JsonText` as it was typed. */
export function printMembers(body: object): string {
  const print = (value: unknown) => (value instanceof JsonText ? value.text : JSON.stringify(value));
  const said = Object.entries(body).filter(([, value]) => value !== undefined);
  return `{${said.map(([name, value]) => `${JSON.stringify(name)}:${print(value)}`).join()}}`;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
