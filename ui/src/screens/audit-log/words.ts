// Actions and actors in the reader's words; what this page does not know is shown as the API says it.
import { useTranslation } from 'react-i18next';
import type { AuditEntry } from '../../api/queries/auditLog';
import { en } from '../../i18n/en';
import { useNames } from '../useNames';

type Thing = keyof typeof en.auditLog.things;
type Done = keyof typeof en.auditLog.done;

/** To choose from in the filter; any other may be typed. */
export const ACTIONS = [
  ...['created', 'updated', 'deleted', 'enabled', 'disabled', 'suspended'].map((done) => `subscription.${done}`),
  'secret.rotated',
  'api_key.created',
  'api_key.revoked',
  ...['created', 'updated', 'deleted'].map((done) => `event_type.${done}`),
  'tenant.updated',
  'job.created',
  'job.cancelled',
  'delivery.retried',
  'delivery.cancelled',
  'event.cancelled',
];

export function useAuditWords() {
  const { t } = useTranslation();
  const names = useNames();
  return {
    what(action: string): string {
      const [thing = '', done = ''] = action.split('.');
      if (!isThing(thing) || !isDone(done)) return action;
      return t('auditLog.what', { thing: t(`auditLog.things.${thing}`), done: t(`auditLog.done.${done}`) });
    },
    /** Its name, of webhooks and keys. */
    target({ target_type, target_id }: Pick<AuditEntry, 'target_type' | 'target_id'>): string {
      if (target_type === 'subscription') return names.webhook(target_id);
      return target_type === 'api_key' ? names.apiKey(target_id) : target_id;
    },
    /** `api_key:<id>`, `jwt:<subject>`, `role:<login>`, or one word. */
    who(actor: string): string {
      const at = actor.indexOf(':');
      const kind = at < 0 ? actor : actor.slice(0, at);
      const name = at < 0 ? '' : actor.slice(at + 1);
      if (kind === 'api_key') return t('auditLog.actors.api_key', { name: names.apiKey(name) });
      if (kind === 'jwt' || kind === 'role') return t(`auditLog.actors.${kind}`, { name });
      if (at < 0 && (kind === 'operator' || kind === 'dispatcher' || kind === 'rekey')) {
        return t(`auditLog.actors.${kind}`);
      }
      return actor;
    },
  };
}

function isThing(word: string): word is Thing {
  return Object.hasOwn(en.auditLog.things, word);
}

function isDone(word: string): word is Done {
  return Object.hasOwn(en.auditLog.done, word);
}
