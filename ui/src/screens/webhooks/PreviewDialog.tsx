// What would be sent: headers and body, without sending. Also of a format or template that is not saved yet.
import { Modal, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { ApiProblem, type Schema } from '../../api';
import { type Subscription, usePreviewSubscription } from '../../api/queries/subscriptions';
import { prettyJson } from '../../format/rawJson';
import { CodeBlock } from '../../parts/CodeBlock';
import { ForeignText } from '../../parts/ForeignText';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { EventChoice } from './EventChoice';
import { HeaderList } from './HeaderList';

type Body = Schema<'PreviewInput'>;
type Props = {
  webhook: Subscription;
  opened: boolean;
  /** To try in place of what is stored. */
  unsaved?: Pick<Body, 'payload_format' | 'template' | 'template_content_type'>;
  onClose: () => void;
};

export function PreviewDialog({ webhook, opened, unsaved, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={<Text fw={600}>{t('webhooks.preview.title')}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Preview webhook={webhook} unsaved={unsaved} />
    </Modal>
  );
}

function Preview({ webhook, unsaved }: Pick<Props, 'webhook' | 'unsaved'>) {
  const { t } = useTranslation();
  const preview = usePreviewSubscription();
  const refused = preview.error instanceof ApiProblem ? preview.error.byField() : {};
  const shown = preview.data;
  return (
    <Stack gap="md">
      <Text c="dimmed">{t(unsaved ? 'webhooks.preview.unsaved' : 'webhooks.preview.detail')}</Text>
      <EventChoice
        webhook={webhook}
        submitLabel={t('webhooks.preview.show')}
        isBusy={preview.isPending}
        refused={refused}
        onSubmit={(choice) => preview.mutate({ id: webhook.id, body: { ...choice, ...unsaved } })}
      />
      <ProblemAlert error={preview.error} shownFields={['event', 'payload']} />
      <div aria-live="polite">
        {shown && !preview.isPending && (
          <Stack gap="sm">
            <ForeignText mono text={`${shown.method} ${shown.url}`} />
            <HeaderList headers={shown.headers} />
            <CodeBlock label={t('webhooks.preview.body')} text={prettyJson(shown.body)} language="json" />
          </Stack>
        )}
      </div>
    </Stack>
  );
}
