import { useParams } from '@tanstack/react-router';
import { PageHeader } from '../../parts/PageHeader';

export default function OneWebhook() {
  const { id } = useParams({ from: '/webhooks/$id' });
  return <PageHeader title={id} />;
}
