// Somebody changed the webhook while this form was open: what they changed, and what shall count.
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Subscription, Tagged } from '../../../api/queries/subscriptions';
import { CodeBlock } from '../../../parts/CodeBlock';

type Props = {
  /** The state now; null: there is no conflict. */
  theirs: Tagged | null;
  before: Subscription;
  /** Names of what this form would change. */
  mine: readonly string[];
  isBusy: boolean;
  onMine: () => void;
  onTheirs: () => void;
  onClose: () => void;
};

/** They change with every change. */
const NO_NEWS = ['updated_at', 'metadataText', 'event', 'is_active', 'status_changed_at'];

export function Conflict({ theirs, before, mine, isBusy, onMine, onTheirs, onClose }: Props) {
  const { t } = useTranslation();
  const changed = theirs === null ? [] : differences(before, theirs.subscription);
  const both = changed.filter(({ name }) => mine.includes(name)).map(({ name }) => name);
  return (
    <Modal
      opened={theirs !== null}
      onClose={onClose}
      size="lg"
      title={<Text fw={600}>{t('webhooks.conflict.title')}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Stack gap="md">
        <Text>{t('webhooks.conflict.detail')}</Text>
        {changed.length > 0 && (
          <CodeBlock
            label={t('webhooks.conflict.theirs')}
            text={changed.map(({ name, old, now }) => `${name}: ${old} → ${now}`).join('\n')}
            wrap
          />
        )}
        {both.length > 0 && <Text fw={500}>{t('webhooks.conflict.both', { names: both.join(', ') })}</Text>}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t('webhooks.conflict.back')}
          </Button>
          <Button variant="default" onClick={onTheirs}>
            {t('webhooks.conflict.takeTheirs')}
          </Button>
          <Button onClick={onMine} loading={isBusy}>
            {t('webhooks.conflict.takeMine')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function differences(before: Subscription, now: Subscription): { name: string; old: string; now: string }[] {
  const print = (value: unknown) => (JSON.stringify(value) ?? 'null').slice(0, 300);
  const was = new Map(Object.entries(before));
  return Object.entries(now)
    .filter(([name, value]) => !NO_NEWS.includes(name) && print(value) !== print(was.get(name)))
    .map(([name, value]) => ({ name, old: print(was.get(name)), now: print(value) }));
}
