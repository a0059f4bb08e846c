export const overview = {
  title: 'Overview',
  lead: 'How deliveries fare, at a glance.',
} as const;
