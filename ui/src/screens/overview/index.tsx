import { useTranslation } from 'react-i18next';
import { PageHeader } from '../../parts/PageHeader';

export default function Overview() {
  const { t } = useTranslation();
  return <PageHeader title={t('overview.title')} lead={t('overview.lead')} />;
}
