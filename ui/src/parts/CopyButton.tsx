// Copies a text; says so to eyes and to screen readers.
import { ActionIcon, Button, Tooltip, VisuallyHidden } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

type Props = {
  text: string;
  /** What is copied, for its accessible name: "Copy secret". Default: "Copy". */
  label?: string;
  /** With words beside the sign. */
  withText?: boolean;
  onCopy?: () => void;
};

export function CopyButton({ text, label, withText = false, onCopy }: Props) {
  const { t } = useTranslation();
  const clipboard = useClipboard({ timeout: 2_000 });
  const Icon = clipboard.copied ? IconCheck : IconCopy;
  const words = clipboard.copied ? t('common.copied') : (label ?? t('common.copy'));
  const copy = () => {
    clipboard.copy(text);
    onCopy?.();
  };
  return (
    <>
      {withText ? (
        <Button variant="default" size="xs" leftSection={<Icon size={15} aria-hidden />} onClick={copy}>
          {words}
        </Button>
      ) : (
        <Tooltip label={words}>
          <ActionIcon variant="subtle" color="gray" size="md" aria-label={label ?? t('common.copy')} onClick={copy}>
            <Icon size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
      <VisuallyHidden role="status">{clipboard.copied ? t('common.copied') : ''}</VisuallyHidden>
    </>
  );
}
