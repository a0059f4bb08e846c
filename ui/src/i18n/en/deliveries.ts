export const deliveries = {
  title: 'Deliveries',
  lead: 'Every event on its way to a receiver, newest first.',
} as const;
