// Reads what stands in the address: only what is known, and only as text; anything else is left out.
export function textsOf<Name extends string>(
  search: Record<string, unknown>,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = search[name];
    if (typeof value === 'string' && value !== '') found[name] = value;
  }
  return found;
}

/** `?a=b` as the names and texts that it holds. */
export function parseTexts(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}

export function printTexts(search: Record<string, unknown>): string {
  const texts = Object.entries(search).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  const printed = new URLSearchParams(texts).toString();
  return printed && `?${printed}`;
}
