// Who is signed in, with language, colour scheme and the way out.
import { Avatar, Button, Divider, Popover, Text, UnstyledButton } from '@mantine/core';
import { IconLogout, IconSelector } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../format';
import { ForeignText } from '../parts/ForeignText';
import { useAskBeforeLeaving } from '../parts/Leaving';
import { useSession } from '../session/useSession';
import classes from './layout.module.css';
import { Preferences } from './Preferences';

export function UserMenu() {
  const { t } = useTranslation();
  const format = useFormat();
  const { kind, tenant, can, expiresAt, signOut } = useSession();
  const [isOpen, setIsOpen] = useState(false);
  const [ask, question] = useAskBeforeLeaving();
  const name = tenant?.name || tenant?.id || t('shell.signedInAs.admin');
  const canChange = can('manage') || can('publish') || can('keys');
  return (
    <>
      <Popover opened={isOpen} onChange={setIsOpen} position="top-start" width={228} shadow="md" trapFocus returnFocus>
        <Popover.Target>
          <UnstyledButton className={classes.who} onClick={() => setIsOpen(!isOpen)}>
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
        </Popover.Target>
        <Popover.Dropdown p="sm" aria-label={t('shell.settings')}>
          <Preferences />
          {expiresAt && (
            <Text size="xs" c="dimmed" mt="sm">
              {t('shell.sessionEnds', { when: format.relative(expiresAt) })}
            </Text>
          )}
          <Divider my="sm" />
          <Button
            fullWidth
            variant="default"
            size="xs"
            leftSection={<IconLogout size={16} stroke={1.7} aria-hidden />}
            onClick={() => {
              setIsOpen(false);
              ask(signOut);
            }}
          >
            {t('shell.signOut')}
          </Button>
        </Popover.Dropdown>
      </Popover>
      {question}
    </>
  );
}
