// Short messages at the edge of the page: something worked, or did not.
import { notifications } from '@mantine/notifications';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { describeProblem } from './describeProblem';
import { ForeignText } from './ForeignText';

/** `done(text)` after a success; `failed(error)` for errors that belong to no form or list. */
export function useNotify() {
  const { t } = useTranslation();
  const label = t('common.close');
  const done = useCallback(
    (text: string) =>
      notifications.show({
        message: <ForeignText text={text} />,
        color: 'teal',
        icon: <IconCheck size={18} aria-hidden />,
        closeButtonProps: { 'aria-label': label },
      }),
    [label],
  );
  const failed = useCallback(
    (error: unknown) => {
      const { title, detail } = describeProblem(error, t);
      notifications.show({
        title,
        message: <ForeignText text={detail.slice(0, 500)} />,
        color: 'red',
        icon: <IconX size={18} aria-hidden />,
        autoClose: 10_000,
        closeButtonProps: { 'aria-label': label },
      });
    },
    [label, t],
  );
  return { done, failed };
}
