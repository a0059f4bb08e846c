// Delays between retries as people write them: `1s, 2s, 5m, 1h`.
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
export const DELAYS_MAX = 30;
export const DELAY_MAX = 30 * 86_400;

/** Seconds; null when something in it is no delay. A number alone is seconds. */
export function parseDelays(text: string): number[] | null {
  const found: number[] = [];
  for (const part of text.split(/[\s,;]+/).filter((one) => one !== '')) {
    const match = /^(\d+)([smhd]?)$/i.exec(part);
    if (match === null) return null;
    found.push(Number(match[1]) * (UNITS[(match[2] || 's').toLowerCase()] ?? 1));
  }
  return found;
}

export function formatDelays(seconds: readonly number[]): string {
  return seconds.map(formatDelay).join(', ');
}

/** In the largest unit that says it exactly. */
function formatDelay(seconds: number): string {
  if (seconds === 0) return '0s';
  const unit = (['d', 'h', 'm'] as const).find((one) => seconds % (UNITS[one] ?? 1) === 0);
  return unit ? `${seconds / (UNITS[unit] ?? 1)}${unit}` : `${seconds}s`;
}
