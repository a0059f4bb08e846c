import { useTranslation } from 'react-i18next';
import { PageHeader } from '../../parts/PageHeader';

export default function AuditLog() {
  const { t } = useTranslation();
  return <PageHeader title={t('auditLog.title')} lead={t('auditLog.lead')} />;
}
