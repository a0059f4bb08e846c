// The formats of one locale.
export type Format = ReturnType<typeof makeFormat>;

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Number.POSITIVE_INFINITY],
];
const BYTES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

export function makeFormat(locale: string) {
  const number = new Intl.NumberFormat(locale);
  const compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });
  const few = new Intl.NumberFormat(locale, { maximumSignificantDigits: 2 });
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
  const minute = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
  const shortMinute = new Intl.DateTimeFormat(locale, {
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
  });
  const exact = new Intl.DateTimeFormat(locale, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    timeZoneName: 'short',
  });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const unit = (name: string, value: number, digits = 0) =>
    new Intl.NumberFormat(locale, {
      style: 'unit',
      unit: name,
      unitDisplay: 'short',
      maximumFractionDigits: digits,
    }).format(value);

  return {
    locale,
    number: (value: number) => number.format(value),
    /** 12.3K */
    compact: (value: number) => compact.format(value),
    /** With two digits that count: 0.034, 7.1. */
    few: (value: number) => few.format(value),
    /** Of a share between 0 and 1. Never rounds to 100 % what is not: 0.9999 is 99.9 %. */
    percent: (share: number) => percent.format(share < 1 ? Math.min(share, 0.999) : share),
    day: (time: string | Date) => day.format(new Date(time)),
    dateTime: (time: string | Date) => minute.format(new Date(time)),
    /** Without the year, for axes. */
    shortDateTime: (time: string | Date) => shortMinute.format(new Date(time)),
    /** The day in UTC: of figures that are counted by days of UTC. */
    utcDay: (time: string | Date, length: 'short' | 'medium') =>
      new Intl.DateTimeFormat(locale, {
        timeZone: 'UTC',
        month: 'short',
        day: 'numeric',
        ...(length === 'medium' ? { year: 'numeric' } : {}),
      }).format(new Date(time)),
    clock: (time: string | Date) => clock.format(new Date(time)),
    /** To the millisecond, with the zone. */
    exact: (time: string | Date) => exact.format(new Date(time)),
    /** “3 minutes ago”, “in 2 hours”. */
    relative(time: string | Date, now = Date.now()): string {
      let value = (new Date(time).getTime() - now) / 1000;
      for (const [name, size] of STEPS) {
        if (Math.abs(value) < size) return relative.format(Math.trunc(value), name);
        value /= size;
      }
      return relative.format(Math.trunc(value), 'year');
    },
    /** Milliseconds as 85 ms, 1.2 s, 4 min, 3 h, 2 d. */
    duration(ms: number): string {
      if (ms < 1_000) return unit('millisecond', ms, ms < 10 ? 1 : 0);
      if (ms < 60_000) return unit('second', ms / 1_000, ms < 10_000 ? 1 : 0);
      if (ms < 3_600_000) return unit('minute', ms / 60_000, ms < 600_000 ? 1 : 0);
      if (ms < 86_400_000) return unit('hour', ms / 3_600_000, 1);
      return unit('day', ms / 86_400_000, 1);
    },
    bytes(count: number): string {
      const step = count < 1 ? 0 : Math.min(BYTES.length - 1, Math.floor(Math.log(count) / Math.log(1000)));
      return unit(BYTES[step] ?? 'byte', count / 1000 ** step, step === 0 ? 0 : 1);
    },
  };
}
