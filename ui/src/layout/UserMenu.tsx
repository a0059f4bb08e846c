// Who is signed in, with language, colour scheme and the way out.
import { Avatar, Menu, Text, UnstyledButton } from '@mantine/core';
import { IconLogout, IconSelector } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../format';
import { ForeignText } from '../parts/ForeignText';
import { useSession } from '../session/useSession';
import classes from './layout.module.css';
import { PreferenceItems } from './Preferences';

export function UserMenu() {
  const { t } = useTranslation();
  const format = useFormat();
  const { kind, tenant, can, expiresAt, signOut } = useSession();
  const name = kind === 'admin' ? t('shell.signedInAs.admin') : tenant?.name || tenant?.id || '';
  const canChange = can('manage') || can('publish') || can('keys');
  return (
    <Menu position="top-start" width={220} shadow="md">
      <Menu.Target>
        <UnstyledButton className={classes.who}>
          <Avatar size={30} radius="md" color="ink" name={name} aria-hidden />
          <span className={classes.whoText}>
            <Text span size="sm" fw={600} display="block" truncate>
              <ForeignText text={name} />
            </Text>
            <Text span size="xs" c="dimmed" display="block" truncate>
              {t(`shell.signedInAs.${kind}`)}
              {!canChange && ` · ${t('shell.readOnly')}`}
            </Text>
          </span>
          <IconSelector size={16} stroke={1.7} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {expiresAt && <Menu.Label>{t('shell.sessionEnds', { when: format.relative(expiresAt) })}</Menu.Label>}
        <PreferenceItems />
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} stroke={1.7} aria-hidden />} onClick={signOut}>
          {t('shell.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
