// What a webhook is called: its description, else its host.
import type { Subscription } from '../../api/queries/subscriptions';

export function nameOf({ description, url }: Pick<Subscription, 'description' | 'url'>): string {
  return description?.trim() || hostOf(url);
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

/** The status as badges know it: `inactive` is what people call disabled. */
export function statusOf({ status }: Pick<Subscription, 'status'>): string {
  return status === 'inactive' ? 'disabled' : status;
}
