// What can be done with the selected webhook: only what the session may.
import { ActionIcon, Button, Group, Menu } from '@mantine/core';
import {
  IconDots,
  IconEye,
  IconKey,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconSend,
  IconTrash,
} from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Subscription } from '../../api/queries/subscriptions';
import { useSession } from '../../session/useSession';
import type { DialogName } from './search';

type Props = { webhook: Subscription; onChoose: (dialog: DialogName) => void };

export function Actions({ webhook, onChoose }: Props) {
  const { t } = useTranslation();
  const { can } = useSession();
  const preview = (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconEye size={15} aria-hidden />}
      onClick={() => onChoose('preview')}
    >
      {t('webhooks.actions.preview')}
    </Button>
  );
  if (!can('manage')) return <Group gap="xs">{preview}</Group>;
  const isOn = webhook.status === 'active';
  return (
    <Group gap="xs">
      <Button
        variant="default"
        size="xs"
        leftSection={<IconPencil size={15} aria-hidden />}
        renderRoot={(props) => <Link to="/webhooks/$id/edit" params={{ id: webhook.id }} {...props} />}
      >
        {t('webhooks.actions.edit')}
      </Button>
      <Button
        variant="default"
        size="xs"
        leftSection={<IconSend size={15} aria-hidden />}
        onClick={() => onChoose('test')}
      >
        {t('webhooks.actions.test')}
      </Button>
      {preview}
      <Menu position="bottom-end" shadow="md" width={220}>
        <Menu.Target>
          <ActionIcon variant="default" size={30} aria-label={t('webhooks.actions.more')}>
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {isOn ? (
            <Menu.Item leftSection={<IconPlayerPause size={15} aria-hidden />} onClick={() => onChoose('disable')}>
              {t('webhooks.actions.disable')}
            </Menu.Item>
          ) : (
            <Menu.Item leftSection={<IconPlayerPlay size={15} aria-hidden />} onClick={() => onChoose('enable')}>
              {t('webhooks.actions.enable')}
            </Menu.Item>
          )}
          {webhook.signing === 'required' && (
            <Menu.Item leftSection={<IconKey size={15} aria-hidden />} onClick={() => onChoose('rotate')}>
              {t('webhooks.actions.rotate')}
            </Menu.Item>
          )}
          <Menu.Divider />
          <Menu.Item
            c="var(--mantine-color-error)"
            leftSection={<IconTrash size={15} aria-hidden />}
            onClick={() => onChoose('delete')}
          >
            {t('webhooks.actions.delete')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
