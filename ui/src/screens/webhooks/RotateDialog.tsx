// A new signing secret: made or given, with a time in which the old one signs too. Shown once.
import { Button, Group, Modal, PasswordInput, Select, Stack, Text } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { type Subscription, useRotateSecret } from '../../api/queries/subscriptions';
import { useFormat } from '../../format';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { WebhookSecret } from './WebhookSecret';

const OVERLAPS = [0, 3_600, 86_400, 7 * 86_400, 30 * 86_400] as const;
const A_DAY = '86400';

type Props = { webhook: Subscription; opened: boolean; onClose: () => void };
type Made = { secret: string; publicKey: string | null };

export function RotateDialog({ webhook, opened, onClose }: Props) {
  const { t } = useTranslation();
  const [made, setMade] = useState<Made | null>(null);
  return (
    <>
      <Modal
        opened={opened && made === null}
        onClose={onClose}
        title={<Text fw={600}>{t('webhooks.rotate.title')}</Text>}
        closeButtonProps={{ 'aria-label': t('common.close') }}
      >
        <Rotation webhook={webhook} onClose={onClose} onMade={setMade} />
      </Modal>
      <WebhookSecret
        secret={made?.secret ?? null}
        publicKey={made?.publicKey ?? null}
        title={t('webhooks.rotate.made')}
        onClose={() => {
          setMade(null);
          onClose();
        }}
      />
    </>
  );
}

function Rotation({
  webhook,
  onClose,
  onMade,
}: {
  webhook: Subscription;
  onClose: () => void;
  onMade: (made: Made) => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const rotate = useRotateSecret();
  const [overlap, setOverlap] = useState(A_DAY);
  const [secret, setSecret] = useState('');
  const refused = rotate.error instanceof ApiProblem ? rotate.error.byField() : {};
  const tooShort = secret !== '' && secret.length < 8 ? t('webhooks.rules.secret') : undefined;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (tooShort) return;
    const body = { overlap_seconds: Number(overlap), ...(secret && { secret }) };
    // the error is shown below
    const answer = await rotate.mutateAsync({ id: webhook.id, body }).catch(() => null);
    if (answer === null) return;
    rotate.reset();
    onMade({ secret: answer.secret ?? '', publicKey: answer.public_key ?? null });
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <Text>{t('webhooks.rotate.detail')}</Text>
        <Select
          label={t('webhooks.rotate.overlap')}
          description={t('webhooks.rotate.overlapHelp')}
          data={OVERLAPS.map((seconds) => ({
            value: String(seconds),
            label: seconds === 0 ? t('webhooks.rotate.atOnce') : format.duration(seconds * 1000),
          }))}
          allowDeselect={false}
          value={overlap}
          onChange={(value) => setOverlap(value ?? A_DAY)}
          error={refused.overlap_seconds}
          data-autofocus
        />
        <PasswordInput
          label={t('webhooks.rotate.own')}
          description={t('webhooks.rotate.ownHelp')}
          autoComplete="off"
          value={secret}
          onChange={(change) => setSecret(change.currentTarget.value)}
          error={tooShort ?? refused.secret}
          visibilityToggleButtonProps={{ 'aria-label': t('webhooks.form.showSecret'), tabIndex: 0 }}
        />
        <ProblemAlert error={Object.keys(refused).length === 0 ? rotate.error : null} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={rotate.isPending}>
            {t('webhooks.actions.rotate')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
