import { useTranslation } from 'react-i18next';
import { PageHeader } from '../../parts/PageHeader';

export default function Webhooks() {
  const { t } = useTranslation();
  return <PageHeader title={t('webhooks.title')} lead={t('webhooks.lead')} />;
}
