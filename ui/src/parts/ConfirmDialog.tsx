// Asks before something that cannot be taken back. Focus starts on "Cancel" and goes back to where it was.
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
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
  /** Must be typed before the button works; for what cannot be undone. */
  typeToConfirm?: string;
  isBusy?: boolean;
  error?: unknown;
  onConfirm: () => void;
  onClose: () => void;
};

export function ConfirmDialog({ opened, title, onClose, ...rest }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={<Text fw={600}>{title}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Question {...rest} onClose={onClose} />
    </Modal>
  );
}

/** Its own component: what was typed is forgotten when the dialog closes. */
function Question(props: Omit<Props, 'opened' | 'title'>) {
  const { children, confirmLabel, danger = false, typeToConfirm, isBusy = false, error, onConfirm, onClose } = props;
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const isReady = typeToConfirm === undefined || typed.trim() === typeToConfirm;
  return (
    <form
      onSubmit={(submit) => {
        submit.preventDefault();
        if (isReady) onConfirm();
      }}
    >
      <Stack gap="md">
        <Text component="div" size="md">
          {children}
        </Text>
        {typeToConfirm !== undefined && (
          <TextInput
            data-autofocus
            label={t('common.typeToConfirm', { word: typeToConfirm })}
            value={typed}
            autoComplete="off"
            onChange={(change) => setTyped(change.currentTarget.value)}
          />
        )}
        <ProblemAlert error={error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus={typeToConfirm === undefined || undefined}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" color={danger ? 'red.8' : undefined} loading={isBusy} disabled={!isReady}>
            {confirmLabel}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
