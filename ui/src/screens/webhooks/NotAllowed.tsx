// Instead of a form that could not be sent.
import { IconLock } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { EmptyState } from '../../parts/EmptyState';

export function NotAllowed() {
  const { t } = useTranslation();
  return (
    <EmptyState
      icon={IconLock}
      title={t('webhooks.notAllowed')}
      detail={t('common.problem.scope', { scope: 'manage' })}
    />
  );
}
