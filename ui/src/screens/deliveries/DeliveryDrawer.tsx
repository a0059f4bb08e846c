// One delivery beside the list, at its own address.
import { Drawer, Group, Skeleton, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { useDelivery } from '../../api/queries/deliveries';
import { EmptyState } from '../../parts/EmptyState';
import { ForeignText } from '../../parts/ForeignText';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { StatusBadge } from '../../parts/StatusBadge';
import { DeliveryDetails } from './DeliveryDetails';

export function DeliveryDrawer({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  return (
    <Drawer.Root opened={id !== undefined} onClose={onClose} position="right" size={720}>
      <Drawer.Overlay backgroundOpacity={0.35} />
      <Drawer.Content>{id !== undefined && <Inside key={id} id={id} />}</Drawer.Content>
    </Drawer.Root>
  );
}

function Inside({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useDelivery(id);
  // an address that somebody cut is as unknown as one that was deleted
  const isUnknown = error instanceof ApiProblem && (error.status === 404 || error.status === 400);
  return (
    <>
      <Drawer.Header>
        <Group gap="sm" wrap="nowrap" miw={0}>
          <Drawer.Title fw={600} fz="lg">
            {data ? <ForeignText text={data.event} /> : t('deliveries.drawer.title')}
          </Drawer.Title>
          {data && <StatusBadge status={data.status} />}
        </Group>
        <Drawer.CloseButton aria-label={t('common.close')} />
      </Drawer.Header>
      <Drawer.Body>
        {isUnknown ? (
          <EmptyState title={t('common.notFound.title')} detail={t('deliveries.drawer.notFound')} />
        ) : (
          <Stack gap="lg">
            <ProblemAlert error={error} onRetry={() => void refetch()} />
            {data ? <DeliveryDetails delivery={data} /> : !error && <Waiting />}
          </Stack>
        )}
      </Drawer.Body>
    </>
  );
}

function Waiting() {
  const { t } = useTranslation();
  return (
    <Stack gap="sm" aria-busy>
      <Text className="visually-hidden">{t('common.loading')}</Text>
      <Skeleton height={48} />
      <Skeleton height={14} width="70%" />
      <Skeleton height={14} width="55%" />
      <Skeleton height={200} mt="md" />
    </Stack>
  );
}
