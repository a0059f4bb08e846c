// Retry, cancel, replay, backfill of many: counted first, then asked for, then watched.
import { Alert, Button, Chip, Group, Input, List, Modal, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useEventNames } from '../../api/queries/events';
import { type JobKind, type Order, useEstimate, useJob, useStartJob } from '../../api/queries/jobs';
import { useFormat } from '../../format';
import { ForeignText } from '../../parts/ForeignText';
import { ProblemAlert } from '../../parts/ProblemAlert';
import type { Status } from '../../parts/StatusBadge';
import { fromLocal, toLocal } from '../filters/localTime';
import { TextFilter } from '../filters/TextFilter';
import { JobProgress } from '../jobs/JobProgress';
import { WebhookSelect } from './Filters';
import { firstOrder, isJobKind, isWhole, STATUSES_OF, unusable } from './order';
import { type DeliverySearch, type FilterName, namesInUse } from './search';

const WORDS = {
  retry: { title: 'retryTitle', detail: 'retryDetail', count: 'countRetry', start: 'startRetry' },
  cancel: { title: 'cancelTitle', detail: 'cancelDetail', count: 'countCancel', start: 'startCancel' },
  replay: { title: 'replayTitle', detail: 'replayDetail', count: 'countRetry', start: 'startReplay' },
  backfill: { title: 'backfillTitle', detail: 'backfillDetail', count: 'countBackfill', start: 'startBackfill' },
} as const;

export const FILTER_WORDS = {
  status: 'status',
  event: 'event',
  subscription_id: 'webhook',
  event_id: 'eventId',
  error_kind: 'errorKind',
  status_code: 'statusCode',
  since: 'since',
  until: 'until',
  resource_type: 'resourceType',
  resource_id: 'resourceId',
  payload: 'payload',
} as const satisfies Record<FilterName, string>;

export function BulkDialog({ search, onClose }: { search: DeliverySearch; onClose: () => void }) {
  const { t } = useTranslation();
  const kind = isJobKind(search.do) ? search.do : null;
  return (
    <Modal
      opened={kind !== null}
      onClose={onClose}
      size="lg"
      title={kind && <Text fw={600}>{t(`deliveries.bulk.${WORDS[kind].title}`)}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {kind && <Inside key={kind} kind={kind} search={search} onClose={onClose} />}
    </Modal>
  );
}

function Inside({ kind, search, onClose }: { kind: JobKind; search: DeliverySearch; onClose: () => void }) {
  const { t } = useTranslation();
  const [order, setOrder] = useState<Order>(() => firstOrder(kind, search));
  const [jobId, setJobId] = useState<string | null>(null);
  const start = useStartJob();
  const job = useJob(jobId);
  const inTheWay = kind === 'retry' || kind === 'cancel' ? unusable(search) : [];
  const isReady = isWhole(order) && inTheWay.length === 0;
  const estimate = useEstimate(isReady && jobId === null ? order : null);

  if (jobId !== null) {
    return (
      <Stack gap="md">
        <ProblemAlert error={job.error} onRetry={() => void job.refetch()} />
        {job.data && <JobProgress job={job.data} />}
        <Text size="sm" c="dimmed">
          {t('deliveries.bulk.background')}
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" renderRoot={(props) => <Link to="/jobs" {...props} />}>
            {t('deliveries.bulk.openJobs')}
          </Button>
          <Button onClick={onClose}>{t('common.close')}</Button>
        </Group>
      </Stack>
    );
  }
  return (
    <form
      onSubmit={(submit) => {
        submit.preventDefault();
        if (estimate.data && isReady) start.mutate(order, { onSuccess: ({ id }) => setJobId(id) });
      }}
    >
      <Stack gap="md">
        <Text c="dimmed">{t(`deliveries.bulk.${WORDS[kind].detail}`)}</Text>
        {inTheWay.length > 0 ? (
          <Alert color="yellow" variant="light">
            {t('deliveries.bulk.unusable', {
              names: inTheWay.map((name) => t(`deliveries.filter.${FILTER_WORDS[name]}`)).join(', '),
            })}
          </Alert>
        ) : (
          <>
            {kind === 'replay' || kind === 'backfill' ? (
              <OfWebhook order={order} onChange={setOrder} />
            ) : (
              <ByFilter kind={kind} search={search} />
            )}
            {kind !== 'backfill' && <Statuses order={order} onChange={setOrder} />}
          </>
        )}
        <ProblemAlert error={start.error ?? estimate.error} onRetry={() => void estimate.refetch()} />
        <Foot kind={kind} isReady={isReady} estimate={estimate} isBusy={start.isPending} onClose={onClose} />
      </Stack>
    </form>
  );
}

/** The filters of the list, told again. */
function ByFilter({ kind, search }: { kind: JobKind; search: DeliverySearch }) {
  const { t } = useTranslation();
  const names = namesInUse(search).filter((name) => name !== 'status');
  const status = search.status?.toLowerCase();
  const isOther = status !== undefined && !STATUSES_OF[kind].includes(status);
  const other = isOther && (
    <Alert color="yellow" variant="light" mb="md">
      {t('deliveries.bulk.notStatus', { status: t(`common.status.${status as Status}`, status) })}
    </Alert>
  );
  if (names.length === 0) return other || <Text size="md">{t('deliveries.bulk.all')}</Text>;
  return (
    <div>
      {other}
      <Text fw={500}>{t('deliveries.bulk.which')}</Text>
      <List size="md">
        {names.map((name) => (
          <List.Item key={name}>
            {t(`deliveries.filter.${FILTER_WORDS[name]}`)}: <ForeignText text={search[name] ?? ''} mono />
          </List.Item>
        ))}
      </List>
    </div>
  );
}

type Part = { order: Order; onChange: (order: Order) => void };

function OfWebhook({ order, onChange }: Part) {
  const { t } = useTranslation();
  const names = useEventNames();
  return (
    <>
      <WebhookSelect
        label={t('deliveries.bulk.webhook')}
        placeholder={t('deliveries.bulk.chooseWebhook')}
        value={order.subscription_id}
        onChange={(subscription_id) => onChange({ ...order, subscription_id })}
        required
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <TextInput
          type="datetime-local"
          label={t('deliveries.bulk.since')}
          required
          value={toLocal(order.since)}
          onChange={(change) => onChange({ ...order, since: fromLocal(change.currentTarget.value) })}
        />
        <TextInput
          type="datetime-local"
          label={t('deliveries.bulk.until')}
          description={t('deliveries.bulk.untilHint')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          value={toLocal(order.until)}
          onChange={(change) => onChange({ ...order, until: fromLocal(change.currentTarget.value) })}
        />
      </SimpleGrid>
      {order.kind === 'replay' && (
        <TextFilter
          label={t('deliveries.bulk.event')}
          description={t('deliveries.bulk.eventHint')}
          choices={names}
          value={order.event}
          onChange={(event) => onChange({ ...order, event })}
        />
      )}
    </>
  );
}

function Statuses({ order, onChange }: Part) {
  const { t } = useTranslation();
  return (
    <Input.Wrapper label={t('deliveries.bulk.statuses')} labelElement="div">
      <Chip.Group multiple value={order.status ?? []} onChange={(status) => onChange({ ...order, status })}>
        <Group gap={6} mt={4}>
          {STATUSES_OF[order.kind].map((status) => (
            <Chip key={status} value={status} size="sm">
              {t(`common.status.${status as Status}`)}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
    </Input.Wrapper>
  );
}

type FootProps = {
  kind: JobKind;
  isReady: boolean;
  estimate: ReturnType<typeof useEstimate>;
  isBusy: boolean;
  onClose: () => void;
};

function Foot({ kind, isReady, estimate, isBusy, onClose }: FootProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const { data } = estimate;
  const total =
    data &&
    (data.is_total_exact ? format.number(data.total) : t('deliveries.bulk.atLeast', { n: format.number(data.total) }));
  const count = Math.min(data?.total ?? 0, 1_000);
  return (
    <>
      <Text fw={500} role="status" mih="1.55em">
        {isReady && estimate.isFetching && data === undefined && t('deliveries.bulk.counting')}
        {isReady && data?.total === 0 && t('deliveries.bulk.nothing')}
        {isReady &&
          data !== undefined &&
          data.total > 0 &&
          t(`deliveries.bulk.${WORDS[kind].count}`, { count, n: total ?? count })}
      </Text>
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          {t('common.cancel')}
        </Button>
        <Button
          type="submit"
          color={kind === 'cancel' ? 'red.8' : undefined}
          disabled={!isReady || !data?.total}
          loading={isBusy}
        >
          {t(`deliveries.bulk.${WORDS[kind].start}`, { n: isReady ? (total ?? '') : '' }).trim()}
        </Button>
      </Group>
    </>
  );
}
