// What the address says of one webhook: which dialog is open, and which deliveries its log shows.
import { textsOf } from '../search';

export const DIALOGS = ['test', 'preview', 'rotate', 'enable', 'disable', 'delete'] as const;
export type DialogName = (typeof DIALOGS)[number];
export type WebhookSearch = { dialog?: DialogName; status?: string };

export function readWebhookSearch(search: Record<string, unknown>): WebhookSearch {
  const { dialog, status } = textsOf(search, ['dialog', 'status']);
  const known = DIALOGS.find((one) => one === dialog);
  return { ...(known && { dialog: known }), ...(status && { status }) };
}
