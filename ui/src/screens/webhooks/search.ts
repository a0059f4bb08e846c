// What the address says of one webhook: which dialog is open, and which deliveries its log shows.
import { textsOf } from '../search';

export const DIALOGS = ['test', 'preview', 'rotate', 'enable', 'disable', 'delete'] as const;
export type DialogName = (typeof DIALOGS)[number];
export type WebhookSearch = { dialog?: DialogName | undefined; status?: string | undefined };

export function readWebhookSearch(search: Record<string, unknown>): WebhookSearch {
  const { dialog, status } = textsOf(search, ['dialog', 'status']);
  // both names are there: what is left out stays as it stands in the address
  return { dialog: DIALOGS.find((one) => one === dialog), status };
}
