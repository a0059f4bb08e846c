export const eventTypes = {
  title: 'Event types',
  lead: 'What can happen: the common types and your own.',
} as const;
