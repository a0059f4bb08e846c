// Sends one event to the receiver now and shows what it answered. Nothing of it is stored.
import { Alert, Modal, Stack, Tabs, Text } from '@mantine/core';
import { IconCircleCheck, IconCircleX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { ApiProblem, type Schema } from '../../api';
import { type Subscription, useTestSubscription } from '../../api/queries/subscriptions';
import { useFormat } from '../../format';
import { prettyJson } from '../../format/rawJson';
import { CodeBlock } from '../../parts/CodeBlock';
import { ForeignText } from '../../parts/ForeignText';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { EventChoice } from './EventChoice';
import { HeaderList } from './HeaderList';
import { nameOf } from './name';

type Props = { webhook: Subscription; opened: boolean; onClose: () => void };

export function TestDialog({ webhook, opened, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={<Text fw={600}>{t('webhooks.test.title')}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Test webhook={webhook} />
    </Modal>
  );
}

function Test({ webhook }: { webhook: Subscription }) {
  const { t } = useTranslation();
  const test = useTestSubscription();
  const refused = test.error instanceof ApiProblem ? test.error.byField() : {};
  return (
    <Stack gap="md">
      <div>
        <Text fw={500}>
          <ForeignText text={nameOf(webhook)} />
        </Text>
        <Text c="dimmed">{t('webhooks.test.detail')}</Text>
      </div>
      <EventChoice
        webhook={webhook}
        submitLabel={t('webhooks.test.send')}
        isBusy={test.isPending}
        refused={refused}
        onSubmit={(body) => test.mutate({ id: webhook.id, body })}
      />
      <ProblemAlert error={test.error} shownFields={['event', 'payload']} />
      <div aria-live="polite">{test.data && !test.isPending && <Answer result={test.data} />}</div>
    </Stack>
  );
}

function Answer({ result }: { result: Schema<'TestResult'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const Icon = result.delivered ? IconCircleCheck : IconCircleX;
  const code = result.status_code ? `HTTP ${result.status_code}` : t('webhooks.test.noAnswer');
  return (
    <Stack gap="sm">
      <Alert
        color={result.delivered ? 'teal' : 'red'}
        variant="light"
        icon={<Icon aria-hidden />}
        title={`${t(result.delivered ? 'webhooks.test.delivered' : 'webhooks.test.refused')} · ${code} · ${format.duration(result.duration_ms)}`}
      >
        {result.error && <ForeignText text={result.error} />}
      </Alert>
      <Tabs defaultValue="answer" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="answer">{t('webhooks.test.answer')}</Tabs.Tab>
          <Tabs.Tab value="request">{t('webhooks.test.request')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="answer" pt="sm">
          <Stack gap="sm">
            <HeaderList headers={result.response_headers} />
            {result.response_body ? (
              <CodeBlock label={t('webhooks.test.answerBody')} text={result.response_body} wrap />
            ) : (
              <Text c="dimmed">{t('webhooks.test.noBody')}</Text>
            )}
            {result.response_body_truncated && <Text c="dimmed">{t('webhooks.test.cut')}</Text>}
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="request" pt="sm">
          <Stack gap="sm">
            <ForeignText mono text={`POST ${result.url}`} />
            <HeaderList headers={result.request_headers} />
            <CodeBlock label={t('webhooks.test.requestBody')} text={prettyJson(result.request_body)} language="json" />
          </Stack>
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}
