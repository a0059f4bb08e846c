// What can be done to many.
import { Button, Menu } from '@mantine/core';
import { IconBan, IconChevronDown, IconHistory, IconPlaylistAdd, IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { JobKind } from '../../api/queries/jobs';

const KINDS = [
  [
    'byFilter',
    [
      ['retry', IconRefresh],
      ['cancel', IconBan],
    ],
  ],
  [
    'ofWebhook',
    [
      ['replay', IconHistory],
      ['backfill', IconPlaylistAdd],
    ],
  ],
] as const;

export function BulkMenu({ onChoose }: { onChoose: (kind: JobKind) => void }) {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end" shadow="md" width={230}>
      <Menu.Target>
        <Button variant="default" rightSection={<IconChevronDown size={15} aria-hidden />}>
          {t('deliveries.bulk.menu')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {KINDS.map(([group, kinds]) => [
          <Menu.Label key={group}>{t(`deliveries.bulk.${group}`)}</Menu.Label>,
          ...kinds.map(([kind, Icon]) => (
            <Menu.Item key={kind} leftSection={<Icon size={16} aria-hidden />} onClick={() => onChoose(kind)}>
              {t(`deliveries.bulk.${kind}`)}
            </Menu.Item>
          )),
        ])}
      </Menu.Dropdown>
    </Menu>
  );
}
