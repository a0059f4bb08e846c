import { useTranslation } from 'react-i18next';
import { PageHeader } from '../../parts/PageHeader';

export default function Events() {
  const { t } = useTranslation();
  return <PageHeader title={t('events.title')} lead={t('events.lead')} />;
}
