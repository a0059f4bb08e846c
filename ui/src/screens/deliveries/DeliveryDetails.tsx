// Everything of one delivery: why it is where it is, what can be done, its attempts, its payload, its request.
import { Button, Group, Stack, Tabs, Text, Title } from '@mantine/core';
import { IconBan, IconRefresh } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useEffect, useReducer, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem, type Schema } from '../../api';
import {
  type DeliveryRecord,
  TERMINAL,
  useCancelDelivery,
  useRequest,
  useRetryDelivery,
} from '../../api/queries/deliveries';
import { useStanding } from '../../api/queries/standing';
import { useFormat } from '../../format';
import { prettyJson } from '../../format/rawJson';
import { CodeBlock } from '../../parts/CodeBlock';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { CopyButton } from '../../parts/CopyButton';
import { Facts, IdWithCopy } from '../../parts/Facts';
import { ForeignText } from '../../parts/ForeignText';
import classes from '../../parts/live.module.css';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { RelativeTime } from '../../parts/RelativeTime';
import { useNotify } from '../../parts/useNotify';
import { useSession } from '../../session/useSession';
import { Attempts } from './Attempts';
import { asCurl } from './curl';
import { HeaderTable } from './HeaderTable';
import { outlook } from './outlook';

export function DeliveryDetails({ delivery }: { delivery: DeliveryRecord }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [tab, setTab] = useState<string | null>('attempts');
  useTick();
  const standing = useStanding(delivery.subscription_id, !TERMINAL.includes(delivery.status));
  const request = useRequest(delivery, delivery.target_url !== null && delivery.payloadText !== null);
  return (
    <Stack gap="lg">
      <div className={classes.why}>
        <ForeignText text={outlook(delivery, standing, t, format)} />
      </div>
      <Actions delivery={delivery} request={request.data} />
      <Facts
        facts={[
          { name: t('deliveries.drawer.receiver'), value: <Receiver delivery={delivery} /> },
          { name: t('deliveries.drawer.created'), value: format.exact(delivery.created_at) },
          { name: t('deliveries.drawer.finished'), value: delivery.finished_at && format.exact(delivery.finished_at) },
          {
            name: t('deliveries.drawer.due'),
            value: !delivery.finished_at && delivery.due_at && <RelativeTime at={delivery.due_at} withExact />,
          },
          {
            name: t('deliveries.drawer.round'),
            value:
              delivery.generation > 0 &&
              t('deliveries.drawer.rounds', { count: delivery.generation, n: format.number(delivery.generation) }),
          },
          {
            name: t('deliveries.drawer.id'),
            value: <IdWithCopy id={delivery.id} label={`${t('common.copy')}: ${t('deliveries.drawer.id')}`} />,
          },
          {
            name: t('deliveries.drawer.eventId'),
            value: (
              <IdWithCopy id={delivery.event_id} label={`${t('common.copy')}: ${t('deliveries.drawer.eventId')}`} />
            ),
          },
        ]}
      />
      <Tabs value={tab} onChange={setTab} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="attempts">
            {t('deliveries.drawer.attempts')} ({format.number(delivery.attempt_history.length)})
          </Tabs.Tab>
          <Tabs.Tab value="payload">{t('deliveries.drawer.payload')}</Tabs.Tab>
          <Tabs.Tab value="request">{t('deliveries.drawer.request')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="attempts">
          <Attempts attempts={delivery.attempt_history} onShowRequest={() => setTab('request')} />
        </Tabs.Panel>
        <Tabs.Panel value="payload">
          {delivery.payloadText === null ? (
            <Text c="dimmed">{t('deliveries.payload.gone')}</Text>
          ) : (
            <CodeBlock label={t('deliveries.drawer.payload')} text={delivery.payloadText} language="json" />
          )}
        </Tabs.Panel>
        <Tabs.Panel value="request">
          {delivery.target_url === null || delivery.payloadText === null ? (
            <Text c="dimmed">
              {t(delivery.target_url === null ? 'deliveries.request.gone' : 'deliveries.payload.gone')}
            </Text>
          ) : (
            <RequestNow request={request.data} error={request.error} onRetry={() => void request.refetch()} />
          )}
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

/** “in 12 seconds” is not true for long. */
function useTick() {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = window.setInterval(tick, 2_000);
    return () => window.clearInterval(timer);
  }, []);
}

function Receiver({ delivery: { target_url, subscription_id } }: { delivery: DeliveryRecord }) {
  const { t } = useTranslation();
  if (!target_url) return t('deliveries.deletedReceiver');
  return (
    <Link to="/webhooks/$id" params={{ id: subscription_id }} className={classes.link}>
      <ForeignText text={target_url} />
    </Link>
  );
}

function Actions({ delivery, request }: { delivery: DeliveryRecord; request: Schema<'Preview'> | undefined }) {
  const { t } = useTranslation();
  const { can } = useSession();
  const { done, failed } = useNotify();
  const [asking, setAsking] = useState<'retry' | 'cancel' | null>(null);
  const retry = useRetryDelivery();
  const cancel = useCancelDelivery();
  const close = () => setAsking(null);
  const retryNow = () =>
    retry.mutate(delivery.id, {
      onSuccess: () => done(t('deliveries.drawer.retried')),
      onError: failed,
      onSettled: close,
    });
  const canRetry = can('manage') && delivery.status !== 'sending' && delivery.status !== 'pending';
  const canCancel = can('manage') && (delivery.status === 'pending' || delivery.status === 'retrying');
  return (
    <Group gap="xs">
      {canRetry && (
        <Button
          size="xs"
          leftSection={<IconRefresh size={15} aria-hidden />}
          loading={retry.isPending}
          onClick={() => (delivery.status === 'delivered' ? setAsking('retry') : retryNow())}
        >
          {t('deliveries.drawer.retry')}
        </Button>
      )}
      {canCancel && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconBan size={15} aria-hidden />}
          onClick={() => setAsking('cancel')}
        >
          {t('deliveries.drawer.cancel')}
        </Button>
      )}
      {request && <CopyCurl request={request} />}
      <Button
        size="xs"
        variant="default"
        renderRoot={(props) => <Link to="/events" search={{ id: delivery.event_id }} {...props} />}
      >
        {t('deliveries.drawer.openEvent')}
      </Button>
      <ConfirmDialog
        opened={asking === 'retry'}
        title={t('deliveries.drawer.retryTitle')}
        confirmLabel={t('deliveries.drawer.retry')}
        isBusy={retry.isPending}
        onConfirm={retryNow}
        onClose={close}
      >
        {t('deliveries.drawer.retryDetail')}
      </ConfirmDialog>
      <ConfirmDialog
        opened={asking === 'cancel'}
        title={t('deliveries.drawer.cancelTitle')}
        confirmLabel={t('deliveries.drawer.cancel')}
        danger
        isBusy={cancel.isPending}
        error={cancel.error}
        onConfirm={() =>
          cancel.mutate(delivery.id, {
            onSuccess: () => {
              done(t('deliveries.drawer.cancelled'));
              close();
            },
          })
        }
        onClose={close}
      >
        {t('deliveries.drawer.cancelDetail')}
      </ConfirmDialog>
    </Group>
  );
}

function CopyCurl({ request }: { request: Schema<'Preview'> }) {
  const { t } = useTranslation();
  const command = asCurl(request, [t('deliveries.curl.note2'), t('deliveries.curl.note')]);
  return <CopyButton withText text={command} label={t('deliveries.drawer.curl')} />;
}

type RequestProps = { request: Schema<'Preview'> | undefined; error: unknown; onRetry: () => void };

function RequestNow({ request, error, onRetry }: RequestProps) {
  const { t } = useTranslation();
  if (error) {
    const isGone = error instanceof ApiProblem && error.status === 404;
    return isGone ? (
      <Text c="dimmed">{t('deliveries.request.gone')}</Text>
    ) : (
      <ProblemAlert error={error} onRetry={onRetry} />
    );
  }
  if (request === undefined) return <Text c="dimmed">{t('common.loading')}</Text>;
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {t('deliveries.request.note')}
      </Text>
      <ForeignText text={`${request.method} ${request.url}`} mono />
      <div>
        <Title order={3} size="sm" mb={4}>
          {t('deliveries.request.headers')}
        </Title>
        <HeaderTable label={t('deliveries.request.headers')} headers={request.headers} />
      </div>
      <div>
        <Title order={3} size="sm" mb={4}>
          {t('deliveries.request.body')}
        </Title>
        <CodeBlock label={t('deliveries.request.body')} text={prettyJson(request.body)} language="json" />
      </div>
    </Stack>
  );
}
