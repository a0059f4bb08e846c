// The changes of an entry as pieces to show: by field, and line by line where values are long.
export type FieldChange = { field: string; before: string | null; after: string | null };
export type Line = { kind: 'same' | 'removed' | 'added'; text: string };

/** Beyond it lines are not compared: the old ones are removed, the new ones added. */
const COMPARED_UP_TO = 400;

export function fieldChanges(changes: unknown): FieldChange[] {
  if (!isRecord(changes)) return [];
  return Object.entries(changes).map(([field, change]) => {
    const { old: before, new: after } = isRecord(change) ? change : { old: null, new: change };
    return { field, before: printed(before), after: printed(after) };
  });
}

/** Whether both fit on a line beside each other. */
export function isShort({ before, after }: FieldChange): boolean {
  return [before, after].every((text) => text === null || (text.length <= 120 && !text.includes('\n')));
}

/** By the longest common subsequence of the lines. */
export function lineDiff(before: string, after: string): Line[] {
  const old = before === '' ? [] : before.split('\n');
  const now = after === '' ? [] : after.split('\n');
  if (old.length > COMPARED_UP_TO || now.length > COMPARED_UP_TO) {
    return [...old.map((text) => line('removed', text)), ...now.map((text) => line('added', text))];
  }
  const common = lengths(old, now);
  const lines: Line[] = [];
  let at = 0;
  let to = 0;
  while (at < old.length || to < now.length) {
    const text = old[at];
    if (text !== undefined && text === now[to]) {
      lines.push(line('same', text));
      at += 1;
      to += 1;
    } else if (
      text !== undefined &&
      (to >= now.length || lengthAt(common, at + 1, to) >= lengthAt(common, at, to + 1))
    ) {
      lines.push(line('removed', text));
      at += 1;
    } else {
      lines.push(line('added', now[to] ?? ''));
      to += 1;
    }
  }
  return lines;
}

function lengths(old: readonly string[], now: readonly string[]): number[][] {
  const common = Array.from({ length: old.length + 1 }, () => new Array<number>(now.length + 1).fill(0));
  for (let at = old.length - 1; at >= 0; at -= 1) {
    for (let to = now.length - 1; to >= 0; to -= 1) {
      const row = common[at];
      if (!row) continue;
      const longest = Math.max(lengthAt(common, at + 1, to), lengthAt(common, at, to + 1));
      row[to] = old[at] === now[to] ? lengthAt(common, at + 1, to + 1) + 1 : longest;
    }
  }
  return common;
}

const lengthAt = (common: readonly number[][], at: number, to: number): number => common[at]?.[to] ?? 0;

const line = (kind: Line['kind'], text: string): Line => ({ kind, text });

/** Text as it is, anything else as JSON; nothing for what is not there. */
function printed(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  const isFlat = Array.isArray(value) && value.every((one) => typeof one !== 'object' || one === null);
  const flat = JSON.stringify(value);
  return isFlat && flat.length <= 60 ? flat.replaceAll('","', '", "') : JSON.stringify(value, null, 2);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
