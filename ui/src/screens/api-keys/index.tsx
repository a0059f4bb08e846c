import { useTranslation } from 'react-i18next';
import { PageHeader } from '../../parts/PageHeader';

export default function ApiKeys() {
  const { t } = useTranslation();
  return <PageHeader title={t('apiKeys.title')} lead={t('apiKeys.lead')} />;
}
