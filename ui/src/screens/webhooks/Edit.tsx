import { useParams } from '@tanstack/react-router';
import { PageHeader } from '../../parts/PageHeader';

export default function EditWebhook() {
  const { id } = useParams({ from: '/webhooks/$id/edit' });
  return <PageHeader title={id} />;
}
