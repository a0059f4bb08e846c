// The dialogs of the selected webhook. Which one is open stands in the address.
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Subscription, useDeleteSubscription, useSwitchSubscription } from '../../api/queries/subscriptions';
import { useFormat } from '../../format';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { ForeignText } from '../../parts/ForeignText';
import { useNotify } from '../../parts/useNotify';
import { useSession } from '../../session/useSession';
import { nameOf } from './name';
import { PreviewDialog } from './PreviewDialog';
import { RotateDialog } from './RotateDialog';
import type { DialogName } from './search';
import { TestDialog } from './TestDialog';

type Props = {
  webhook: Subscription;
  /** Undefined while it is not known. */
  waiting: number | undefined;
  dialog: DialogName | undefined;
  onClose: () => void;
};

export function Dialogs({ webhook, waiting, dialog, onClose }: Props) {
  const { can } = useSession();
  // an address may name what the session may not do
  const open = dialog === 'preview' || can('manage') ? dialog : undefined;
  return (
    <>
      <PreviewDialog webhook={webhook} opened={open === 'preview'} onClose={onClose} />
      <TestDialog webhook={webhook} opened={open === 'test'} onClose={onClose} />
      <RotateDialog webhook={webhook} opened={open === 'rotate'} onClose={onClose} />
      <SwitchDialog webhook={webhook} waiting={waiting} on={true} opened={open === 'enable'} onClose={onClose} />
      <SwitchDialog webhook={webhook} waiting={waiting} on={false} opened={open === 'disable'} onClose={onClose} />
      <DeleteDialog webhook={webhook} waiting={waiting} opened={open === 'delete'} onClose={onClose} />
    </>
  );
}

type One = { webhook: Subscription; waiting: number | undefined; opened: boolean; onClose: () => void };

function SwitchDialog({ webhook, waiting, on, opened, onClose }: One & { on: boolean }) {
  const { t } = useTranslation();
  const { done } = useNotify();
  const change = useSwitchSubscription();
  useReset(opened, change.reset);
  const confirm = () =>
    change.mutate(
      { id: webhook.id, on },
      {
        onSuccess: () => {
          done(t(on ? 'webhooks.enable.done' : 'webhooks.disable.done', { name: nameOf(webhook) }));
          onClose();
        },
      },
    );
  return (
    <ConfirmDialog
      opened={opened}
      title={t(on ? 'webhooks.enable.title' : 'webhooks.disable.title')}
      confirmLabel={t(on ? 'webhooks.actions.enable' : 'webhooks.actions.disable')}
      isBusy={change.isPending}
      error={change.error}
      onConfirm={confirm}
      onClose={onClose}
    >
      <Who webhook={webhook} />
      <p>{t(on ? 'webhooks.enable.detail' : 'webhooks.disable.detail')}</p>
      <Waiting count={waiting} />
    </ConfirmDialog>
  );
}

function DeleteDialog({ webhook, waiting, opened, onClose }: One) {
  const { t } = useTranslation();
  const go = useNavigate();
  const { done } = useNotify();
  const remove = useDeleteSubscription();
  // what is deleted must not be asked for again while the address still names it
  const [isGone, setIsGone] = useState(false);
  useReset(opened, remove.reset);
  const confirm = () =>
    remove.mutate(webhook.id, {
      onSuccess: () => {
        setIsGone(true);
        done(t('webhooks.delete.done', { name: nameOf(webhook) }));
        go({ to: '/webhooks', replace: true });
      },
    });
  return (
    <ConfirmDialog
      opened={opened && !isGone}
      title={t('webhooks.delete.title')}
      confirmLabel={t('webhooks.actions.delete')}
      danger
      isBusy={remove.isPending}
      error={remove.error}
      onConfirm={confirm}
      onClose={onClose}
    >
      <Who webhook={webhook} />
      <p>{t('webhooks.delete.detail')}</p>
      <Waiting count={waiting} />
    </ConfirmDialog>
  );
}

function Who({ webhook }: { webhook: Subscription }) {
  return (
    <strong>
      <ForeignText text={nameOf(webhook)} />
    </strong>
  );
}

function Waiting({ count }: { count: number | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (!count) return null;
  return <p>{t('webhooks.waitingNow', { count, number: format.number(count) })}</p>;
}

/** Forgets the error of the last time when a dialog opens again. */
function useReset(opened: boolean, reset: () => void) {
  useEffect(() => {
    if (opened) reset();
  }, [opened, reset]);
}
