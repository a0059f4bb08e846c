import { useTranslation } from 'react-i18next';
import { PageHeader } from '../../parts/PageHeader';

export default function Jobs() {
  const { t } = useTranslation();
  return <PageHeader title={t('jobs.title')} lead={t('jobs.lead')} />;
}
