export const events = {
  title: 'Events',
  lead: 'What happened, as your systems published it.',
} as const;
