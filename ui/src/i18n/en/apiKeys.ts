export const apiKeys = {
  title: 'API keys',
  lead: 'Keys by which programs call the API.',
} as const;
