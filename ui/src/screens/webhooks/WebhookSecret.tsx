// A webhook's new signing secret, the one time that it is shown; with the public key where there is one.
import { useTranslation } from 'react-i18next';
import { CopyButton } from '../../parts/CopyButton';
import { ForeignText } from '../../parts/ForeignText';
import { SecretOnce } from '../../parts/SecretOnce';

type Props = { secret: string | null; publicKey: string | null; title: string; onClose: () => void };

export function WebhookSecret({ secret, publicKey, title, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <SecretOnce secret={secret} title={title} onClose={onClose}>
      {publicKey ? t('webhooks.secret.keyDetail') : t('webhooks.secret.detail')}
      {publicKey && (
        <div>
          <ForeignText mono text={publicKey} /> <CopyButton text={publicKey} label={t('webhooks.secret.copyKey')} />
        </div>
      )}
    </SecretOnce>
  );
}

/** Whether an answer shows a secret rather than its mask. */
export function isShown(secret: string | null | undefined): secret is string {
  return typeof secret === 'string' && !secret.endsWith('_****');
}
