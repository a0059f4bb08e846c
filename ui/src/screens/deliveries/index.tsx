import { useTranslation } from 'react-i18next';
import { PageHeader } from '../../parts/PageHeader';

export default function Deliveries() {
  const { t } = useTranslation();
  return <PageHeader title={t('deliveries.title')} lead={t('deliveries.lead')} />;
}
