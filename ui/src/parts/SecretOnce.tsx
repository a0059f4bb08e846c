// Shows a secret the one time it can be shown. The caller keeps it in component state and forgets it in `onClose`.
import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './CopyButton';
import classes from './parts.module.css';

type Props = {
  /** Null: closed. */
  secret: string | null;
  title: string;
  /** What it is for and what to do with it. */
  children?: ReactNode;
  onClose: () => void;
};

export function SecretOnce({ secret, title, children, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={secret !== null}
      onClose={onClose}
      size="lg"
      title={<Text fw={600}>{title}</Text>}
      // one careless click or key beside the dialog must not lose it
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
      // no fading out: gone is gone
      transitionProps={{ duration: 0 }}
    >
      <Stack gap="md">
        {children && (
          <Text component="div" size="md">
            {children}
          </Text>
        )}
        <div className={classes.secret}>
          <code data-secret>{secret}</code>
          <CopyButton text={secret ?? ''} />
        </div>
        <Alert color="yellow" variant="light" icon={<IconKey aria-hidden />} title={t('common.secretOnce')}>
          {t('common.secretOnceDetail')}
        </Alert>
        <Group justify="flex-end">
          <Button onClick={onClose} data-autofocus>
            {t('common.secretCopied')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
