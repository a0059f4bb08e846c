// Asks before something that cannot be taken back. Focus starts on "Cancel" and goes back to where it was.
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemAlert } from './ProblemAlert';

type Props = {
  opened: boolean;
  title: string;
  /** What will happen. */
  children: ReactNode;
  /** A verb: "Delete". */
  confirmLabel: string;
  danger?: boolean;
  isBusy?: boolean;
  error?: unknown;
  onConfirm: () => void;
  onClose: () => void;
};

export function ConfirmDialog(props: Props) {
  const { opened, title, children, confirmLabel, danger = false, isBusy = false, error, onConfirm, onClose } = props;
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={<Text fw={600}>{title}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form
        onSubmit={(submit) => {
          submit.preventDefault();
          onConfirm();
        }}
      >
        <Stack gap="md">
          <Text component="div" size="md">
            {children}
          </Text>
          <ProblemAlert error={error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose} data-autofocus>
              {t('common.cancel')}
            </Button>
            <Button type="submit" color={danger ? 'red.8' : undefined} loading={isBusy}>
              {confirmLabel}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
