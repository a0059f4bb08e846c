// How far a job is, and the button that ends it.
import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isUnfinished, type Job, useCancelJob } from '../../api/queries/jobs';
import { useFormat } from '../../format';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { Facts } from '../../parts/Facts';
import { ForeignText } from '../../parts/ForeignText';
import { StatusBadge } from '../../parts/StatusBadge';
import { useNotify } from '../../parts/useNotify';
import { useSession } from '../../session/useSession';

export function JobProgress({ job }: { job: Job }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <StatusBadge status={job.state} />
        <CancelJob job={job} />
      </Group>
      <JobBar job={job} />
      {job.error && (
        <Text size="md" c="var(--mantine-color-error)" role="alert">
          {t(job.state === 'failed' ? 'jobs.error' : 'jobs.lastError')}: <ForeignText text={job.error} />
        </Text>
      )}
      <Facts
        facts={[
          { name: t('jobs.changed'), value: format.number(job.changed) },
          {
            name: t('jobs.skipped'),
            value: job.skipped > 0 ? `${format.number(job.skipped)} — ${t('jobs.skippedHint')}` : format.number(0),
          },
          { name: t('jobs.lookedAt'), value: format.number(job.looked_at) },
        ]}
      />
    </Stack>
  );
}

/** The bar with its figures. */
export function JobBar({ job }: { job: Job }) {
  const { t } = useTranslation();
  const format = useFormat();
  // what was there when it was counted may be gone when it comes to it
  const share = job.state === 'done' ? 1 : job.total > 0 ? Math.min(1, job.processed / job.total) : 0;
  const values = { done: format.number(job.processed), total: format.number(job.total) };
  return (
    <div>
      <Progress.Root size="sm" radius="xl">
        <Progress.Section
          value={share * 100}
          color={job.state === 'failed' ? 'red' : job.state === 'done' ? 'teal' : undefined}
          aria-label={t('jobs.percent')}
          aria-valuetext={format.percent(share)}
        />
      </Progress.Root>
      <Text size="sm" c="dimmed" mt={4}>
        {t(job.is_total_exact ? 'jobs.progress' : 'jobs.progressOpen', values)}
      </Text>
    </div>
  );
}

function CancelJob({ job }: { job: Job }) {
  const { t } = useTranslation();
  const { can } = useSession();
  const { done } = useNotify();
  const [isAsking, setIsAsking] = useState(false);
  const cancel = useCancelJob();
  if (!can('manage') || !isUnfinished(job)) return null;
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setIsAsking(true)}>
        {t('jobs.cancel')}
      </Button>
      <ConfirmDialog
        opened={isAsking}
        title={t('jobs.cancelTitle')}
        confirmLabel={t('jobs.cancel')}
        danger
        isBusy={cancel.isPending}
        error={cancel.error}
        onConfirm={() =>
          cancel.mutate(job.id, {
            onSuccess: () => {
              done(t('jobs.cancelled'));
              setIsAsking(false);
            },
          })
        }
        onClose={() => setIsAsking(false)}
      >
        {t('jobs.cancelDetail')}
      </ConfirmDialog>
    </>
  );
}
