import { useTranslation } from 'react-i18next';
import { PageHeader } from '../../parts/PageHeader';

export default function EventTypes() {
  const { t } = useTranslation();
  return <PageHeader title={t('eventTypes.title')} lead={t('eventTypes.lead')} />;
}
