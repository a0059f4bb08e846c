// Asks before what was typed is lost, in the page and by the browser's own means.
import { useBlocker } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { hasUnsaved, holdUnsaved } from '../session/unsaved';
import { ConfirmDialog } from './ConfirmDialog';

/** `isAllowed` is asked at the moment of leaving: after a save it says yes before anything is drawn anew. */
export function Leaving({ isBlocking, isAllowed }: { isBlocking: boolean; isAllowed?: () => boolean }) {
  const blocker = useBlocker({
    shouldBlockFn: () => isBlocking && !isAllowed?.(),
    enableBeforeUnload: () => isBlocking,
    disabled: !isBlocking,
    withResolver: true,
  });
  useEffect(() => (isBlocking ? holdUnsaved() : undefined), [isBlocking]);
  // made when it is needed: one that waits hidden would hear the same Escape that asks for it, and close
  if (blocker.status !== 'blocked') return null;
  return <Question onLeave={blocker.proceed} onStay={blocker.reset} />;
}

/**
 * For what takes the page away without the router, such as another tenant: `ask` does it at once when nothing is lost by it, and else
 * after the question, which is to be drawn.
 */
export function useAskBeforeLeaving(): [ask: (leave: () => void) => void, question: ReactNode] {
  const [asked, setAsked] = useState<{ leave: () => void } | null>(null);
  const stay = () => setAsked(null);
  const go = () => {
    stay();
    asked?.leave();
  };
  const ask = (leave: () => void) => (hasUnsaved() ? setAsked({ leave }) : leave());
  return [ask, asked && <Question onLeave={go} onStay={stay} />];
}

function Question({ onLeave, onStay }: { onLeave: () => void; onStay: () => void }) {
  const { t } = useTranslation();
  return (
    <ConfirmDialog
      opened
      title={t('common.unsaved')}
      confirmLabel={t('common.discard')}
      danger
      onConfirm={onLeave}
      onClose={onStay}
    >
      {t('common.leave')}
    </ConfirmDialog>
  );
}
