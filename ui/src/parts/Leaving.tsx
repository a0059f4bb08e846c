// Asks before what was typed is lost, in the page and by the browser's own means.
import { useBlocker } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { ConfirmDialog } from '../../parts/ConfirmDialog';

/** `isAllowed` is asked at the moment of leaving: after a save it says yes before anything is drawn anew. */
export function Leaving({ isBlocking, isAllowed }: { isBlocking: boolean; isAllowed: () => boolean }) {
  const { t } = useTranslation();
  const blocker = useBlocker({
    shouldBlockFn: () => isBlocking && !isAllowed(),
    enableBeforeUnload: () => isBlocking,
    disabled: !isBlocking,
    withResolver: true,
  });
  // made when it is needed: one that waits hidden would hear the same Escape that asks for it, and close
  if (blocker.status !== 'blocked') return null;
  return (
    <ConfirmDialog
      opened
      title={t('common.unsaved')}
      confirmLabel={t('eventTypes.form.discard')}
      danger
      onConfirm={() => blocker.proceed()}
      onClose={() => blocker.reset()}
    >
      {t('eventTypes.form.leave')}
    </ConfirmDialog>
  );
}
