export const jobs = {
  title: 'Jobs',
  lead: 'Replays, retries and other long work.',
} as const;
