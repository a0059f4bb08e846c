// What people call the things that lists name by their ids; the id of what is not known, or not any more.
import { useApiKeys } from '../api/queries/apiKeys';
import { useKnownSubscriptions } from '../api/queries/subscriptions';
import { nameOf } from './webhooks/name';

export function useNames() {
  const webhooks = useKnownSubscriptions().data?.data;
  const keys = useApiKeys(undefined).data?.data;
  return {
    webhook(id: string): string {
      const found = webhooks?.find((one) => one.id === id);
      return found ? nameOf(found) : id;
    },
    apiKey: (id: string): string => keys?.find((one) => one.id === id)?.name || id,
  };
}
