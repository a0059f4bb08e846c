// The selected webhook: how it fares, what was sent, what it is set to, and what can be done with it.
import { ActionIcon, Skeleton, Stack, Tabs, Title, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconX } from '@tabler/icons-react';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { type SubscriptionRecord, useSubscription } from '../../api/queries/subscriptions';
import { useWebhookStatistics } from '../../api/queries/webhookFigures';
import { CopyButton } from '../../parts/CopyButton';
import { ForeignText } from '../../parts/ForeignText';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { RelativeTime } from '../../parts/RelativeTime';
import { StatusBadge } from '../../parts/StatusBadge';
import { Actions } from './Actions';
import { DeliveryLog } from './DeliveryLog';
import { Dialogs } from './Dialogs';
import { nameOf, statusOf } from './name';
import { SettingsList } from './SettingsList';
import { Tiles } from './Tiles';
import { useIsSplit } from './useIsSplit';
import classes from './webhooks.module.css';

export default function OneWebhook() {
  const { id } = useParams({ from: '/webhooks/$id' });
  // another webhook is another panel: nothing of the one before stays
  return <Panel key={id} id={id} />;
}

function Panel({ id }: { id: string }) {
  const { t } = useTranslation();
  const webhook = useSubscription(id);
  const isSplit = useIsSplit();
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    // it takes the place of a list that was scrolled
    if (!isSplit) box.current?.scrollIntoView({ block: 'nearest' });
  }, [isSplit]);
  return (
    <section ref={box} className={classes.panel} aria-label={t('webhooks.panel.label')}>
      {webhook.data ? (
        <Shown webhook={webhook.data} />
      ) : webhook.error ? (
        <div className={classes.section}>
          <ProblemAlert error={webhook.error} onRetry={webhook.refetch} />
        </div>
      ) : (
        <Stack p="md" aria-busy>
          <Skeleton height={18} width="50%" />
          <Skeleton height={12} width="75%" />
          <Skeleton height={180} mt="md" />
        </Stack>
      )}
    </section>
  );
}

function Shown({ webhook }: { webhook: SubscriptionRecord }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const { dialog } = useSearch({ from: '/webhooks/$id' });
  const statistics = useWebhookStatistics(webhook.id);
  const health = statistics.data?.health;
  const show = (next: typeof dialog) =>
    go({
      to: '/webhooks/$id',
      params: { id: webhook.id },
      search: (now) => ({ status: now.status, ...(next && { dialog: next }) }),
      resetScroll: false,
    });
  return (
    <>
      <div className={classes.panelHead}>
        <div className={classes.panelTitle}>
          <div style={{ minWidth: 0 }}>
            <Title order={2}>
              <bdi dir="auto">{nameOf(webhook)}</bdi>
            </Title>
            <div className={classes.panelUrl}>
              <ForeignText line mono text={webhook.url} />
              <CopyButton text={webhook.url} label={t('webhooks.panel.copyUrl')} />
            </div>
          </div>
          <Tooltip label={t('webhooks.panel.close')}>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('webhooks.panel.close')}
              renderRoot={(props) => <Link to="/webhooks" resetScroll={false} {...props} />}
            >
              <IconX size={18} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </div>
        <Actions webhook={webhook} onChoose={show} />
      </div>
      {webhook.status === 'suspended' && (
        <Notice title={t('webhooks.panel.suspended')}>
          {webhook.status_reason && <ForeignText text={webhook.status_reason} />} {t('webhooks.panel.suspendedAdvice')}
        </Notice>
      )}
      {webhook.status === 'active' && health?.reason && (
        <Notice title={<ForeignText text={health.reason} />}>
          {health.circuit === 'open' && (
            <>
              {t('webhooks.panel.circuit')} {t('webhooks.panel.nextProbe')} <RelativeTime at={health.retry_at} />
            </>
          )}
        </Notice>
      )}
      <Tiles
        status={<StatusBadge status={webhook.status === 'active' && health ? health.state : statusOf(webhook)} />}
        statistics={statistics.data}
      />
      <Tabs defaultValue="log" keepMounted={false}>
        <Tabs.List px="xs">
          <Tabs.Tab value="log">{t('webhooks.panel.log')}</Tabs.Tab>
          <Tabs.Tab value="settings">{t('webhooks.panel.settings')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="log">
          <DeliveryLog id={webhook.id} />
        </Tabs.Panel>
        <Tabs.Panel value="settings">
          <SettingsList webhook={webhook} />
        </Tabs.Panel>
      </Tabs>
      <Dialogs webhook={webhook} waiting={statistics.data?.waiting} dialog={dialog} onClose={() => show(undefined)} />
    </>
  );
}

function Notice({ title, children }: { title: React.ReactNode; children: React.ReactNode }) {
  return (
    <div className={classes.notice} role="note">
      <IconAlertTriangle size={18} aria-hidden />
      <div>
        <strong>{title}</strong>
        <div>{children}</div>
      </div>
    </div>
  );
}
