export const webhooks = {
  title: 'Webhooks',
  lead: 'Where events are sent, and how each receiver fares.',
} as const;
