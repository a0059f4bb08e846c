// One event beside the list, at its own address: its payload and its deliveries.
import { Button, Drawer, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconBan } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { act } from '../../api/act';
import { TERMINAL } from '../../api/queries/deliveries';
import { type EventRecord, useCancelEvent, useDeliveriesOfEvent, useEvent } from '../../api/queries/events';
import { useFormat } from '../../format';
import { CodeBlock } from '../../parts/CodeBlock';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { EmptyState } from '../../parts/EmptyState';
import { Facts, IdWithCopy } from '../../parts/Facts';
import { ForeignText } from '../../parts/ForeignText';
import classes from '../../parts/live.module.css';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { StatusBadge } from '../../parts/StatusBadge';
import { useNotify } from '../../parts/useNotify';
import { useSession } from '../../session/useSession';
import { FanoutBadge } from './FanoutBadge';

export function EventDrawer({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  return (
    <Drawer.Root opened={id !== undefined} onClose={onClose} position="right" size={680}>
      <Drawer.Overlay backgroundOpacity={0.35} />
      <Drawer.Content>{id !== undefined && <Inside key={id} id={id} />}</Drawer.Content>
    </Drawer.Root>
  );
}

function Inside({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useEvent(id);
  const isUnknown = error instanceof ApiProblem && (error.status === 404 || error.status === 400);
  return (
    <>
      <Drawer.Header>
        <Group gap="sm" wrap="nowrap" miw={0}>
          <Drawer.Title fw={600} fz="lg">
            {data ? <ForeignText text={data.event} /> : t('events.columns.event')}
          </Drawer.Title>
          {data && <FanoutBadge fanout={data.fanout} />}
        </Group>
        <Drawer.CloseButton aria-label={t('common.close')} />
      </Drawer.Header>
      <Drawer.Body>
        {isUnknown ? (
          <EmptyState title={t('common.notFound.title')} detail={t('events.drawer.notFound')} />
        ) : (
          <Stack gap="lg">
            <ProblemAlert error={error} onRetry={() => void refetch()} />
            {data ? <Details event={data} /> : !error && <Skeleton height={240} />}
          </Stack>
        )}
      </Drawer.Body>
    </>
  );
}

function Details({ event }: { event: EventRecord }) {
  const { t } = useTranslation();
  const format = useFormat();
  const deliveries = useDeliveriesOfEvent(event.id);
  const rows = deliveries.data?.data ?? [];
  const canStop = event.fanout === 'open' || rows.some(({ status }) => !TERMINAL.includes(status));
  const resource = [event.resource_type, event.resource_id].filter(Boolean).join(' ');
  return (
    <>
      <Facts
        facts={[
          { name: t('events.drawer.created'), value: format.exact(event.created_at) },
          { name: t('events.drawer.resource'), value: resource && <ForeignText text={resource} /> },
          {
            name: t('events.drawer.orderingKey'),
            value: event.ordering_key && <ForeignText text={event.ordering_key} mono />,
          },
          { name: t('events.drawer.deliverAfter'), value: event.deliver_after && format.exact(event.deliver_after) },
          { name: t('events.drawer.reason'), value: event.fanout_reason && <ForeignText text={event.fanout_reason} /> },
          {
            name: t('events.drawer.id'),
            value: <IdWithCopy id={event.id} label={`${t('common.copy')}: ${t('events.drawer.id')}`} />,
          },
        ]}
      />
      <section>
        <Group justify="space-between" mb={6}>
          <Title order={3} size="md">
            {t('events.drawer.deliveries')}
          </Title>
          <Group gap="xs">
            {rows.length > 0 && (
              <Button
                size="compact-sm"
                variant="subtle"
                renderRoot={(props) => <Link to="/deliveries" search={{ event_id: event.id }} {...props} />}
              >
                {t('events.drawer.allDeliveries')}
              </Button>
            )}
            {canStop && <CancelEvent id={event.id} />}
          </Group>
        </Group>
        <ProblemAlert error={deliveries.error} onRetry={() => void deliveries.refetch()} />
        {!deliveries.data && !deliveries.error && <Skeleton height={76} radius="md" />}
        {deliveries.data && rows.length === 0 && <Text c="dimmed">{t('events.drawer.noDeliveries')}</Text>}
        {rows.length > 0 && (
          <ul className={classes.mini}>
            {rows.map(({ id, target_url, status }) => (
              <li key={id}>
                <Link to="/deliveries" search={{ delivery: id }}>
                  <ForeignText text={target_url ?? t('deliveries.deletedReceiver')} line />
                </Link>
                <StatusBadge status={status} />
              </li>
            ))}
          </ul>
        )}
      </section>
      <section>
        <Title order={3} size="md" mb={6}>
          {t('events.drawer.payload')}
        </Title>
        <CodeBlock label={t('events.drawer.payload')} text={event.payloadText} language="json" />
      </section>
      {event.metadataText !== null && (
        <section>
          <Title order={3} size="md" mb={6}>
            {t('events.drawer.metadata')}
          </Title>
          <CodeBlock label={t('events.drawer.metadata')} text={event.metadataText} language="json" />
        </section>
      )}
    </>
  );
}

function CancelEvent({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { can } = useSession();
  const { done } = useNotify();
  const [isAsking, setIsAsking] = useState(false);
  const cancel = useCancelEvent();
  if (!can('manage')) return null;
  const said = (key: 'events.drawer.cancelled' | 'events.drawer.inFlight', count: number) =>
    t(key, { count, n: format.number(count) });
  return (
    <>
      <Button
        size="compact-sm"
        variant="subtle"
        c="var(--mantine-color-error)"
        color="red"
        leftSection={<IconBan size={14} aria-hidden />}
        onClick={() => setIsAsking(true)}
      >
        {t('events.drawer.cancel')}
      </Button>
      <ConfirmDialog
        opened={isAsking}
        title={t('events.drawer.cancelTitle')}
        confirmLabel={t('events.drawer.cancel')}
        danger
        isBusy={cancel.isPending}
        error={cancel.error}
        onConfirm={() =>
          act(cancel, id, ({ cancelled, in_flight }) => {
            const flying = in_flight > 0 ? ` ${said('events.drawer.inFlight', in_flight)}` : '';
            done(said('events.drawer.cancelled', cancelled) + flying);
            setIsAsking(false);
          })
        }
        onClose={() => setIsAsking(false)}
      >
        {t('events.drawer.cancelDetail')}
      </ConfirmDialog>
    </>
  );
}
