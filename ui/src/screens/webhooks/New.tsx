import { useTranslation } from 'react-i18next';
import { PageHeader } from '../../parts/PageHeader';

export default function NewWebhook() {
  const { t } = useTranslation();
  return <PageHeader title={t('webhooks.title')} />;
}
