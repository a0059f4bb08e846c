// Changes a webhook: only what was changed is sent, meant for the state that was read (If-Match).
import { Skeleton, Stack } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import {
  readTagged,
  subscriptionKeys,
  type Tagged,
  useChangeSubscription,
  useSubscriptionToEdit,
} from '../../api/queries/subscriptions';
import { ForeignText } from '../../parts/ForeignText';
import { PageHeader } from '../../parts/PageHeader';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { useNotify } from '../../parts/useNotify';
import { useSession } from '../../session/useSession';
import { Forward } from './Forward';
import { Conflict } from './form/Conflict';
import { useFormState } from './form/state';
import { changeOf, valuesOf } from './form/values';
import { WebhookForm } from './form/WebhookForm';
import { NotAllowed } from './NotAllowed';
import { nameOf } from './name';
import { isShown, WebhookSecret } from './WebhookSecret';

export default function EditWebhook() {
  const { id } = useParams({ from: '/webhooks/$id/edit' });
  const { t } = useTranslation();
  const { can } = useSession();
  const read = useSubscriptionToEdit(id);
  return (
    <>
      <PageHeader
        title={t('webhooks.form.editTitle')}
        lead={read.data && <ForeignText text={nameOf(read.data.subscription)} />}
      />
      {!can('manage') ? (
        <NotAllowed />
      ) : read.data ? (
        <Editing key={id} read={read.data} />
      ) : read.error ? (
        <ProblemAlert error={read.error} onRetry={read.refetch} />
      ) : (
        <Stack maw="52rem" gap="md" aria-busy>
          <Skeleton height={190} radius="lg" />
          <Skeleton height={420} radius="lg" />
        </Stack>
      )}
    </>
  );
}

type Saved = { secret: string | null; publicKey: string | null };

function Editing({ read }: { read: Tagged }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const cache = useQueryClient();
  const { done, failed } = useNotify();
  const [base, setBase] = useState(read);
  const before = valuesOf(base.subscription);
  const form = useFormState(before, false);
  const save = useChangeSubscription();
  const [theirs, setTheirs] = useState<Tagged | null>(null);
  const [saved, setSaved] = useState<Saved | null>(null);
  const id = base.subscription.id;
  const open = () => go({ to: '/webhooks/$id', params: { id }, replace: true });

  const send = async (etag: string) => {
    const body = changeOf(before, form.values);
    try {
      const answer = Object.keys(body).length > 0 ? await save.mutateAsync({ id, etag, body }) : null;
      save.reset();
      cache.removeQueries({ queryKey: subscriptionKeys.edited(id) });
      setTheirs(null);
      done(t('webhooks.form.saved'));
      const secret = isShown(answer?.secret) ? answer.secret : null;
      setSaved({ secret, publicKey: answer?.public_key ?? null });
    } catch (error) {
      const isChanged = error instanceof ApiProblem && error.status === 412;
      if (!isChanged) return setTheirs(null);
      save.reset();
      await readTagged(id).then(setTheirs, failed);
    }
  };
  const takeTheirs = () => {
    if (theirs === null) return;
    setBase(theirs);
    form.restart(valuesOf(theirs.subscription));
    setTheirs(null);
  };
  if (saved !== null && saved.secret === null) return <Forward to={open} />;
  return (
    <>
      <WebhookForm
        form={form}
        stored={base.subscription}
        before={before}
        submitLabel={t('common.save')}
        isBusy={save.isPending}
        error={save.error}
        isSaved={saved !== null}
        onSubmit={() => send(base.etag)}
        onCancel={() => go({ to: '/webhooks/$id', params: { id } })}
      />
      <Conflict
        theirs={theirs}
        before={base.subscription}
        mine={theirs === null ? [] : Object.keys(changeOf(before, form.values))}
        isBusy={save.isPending}
        onMine={() => theirs !== null && send(theirs.etag)}
        onTheirs={takeTheirs}
        onClose={() => setTheirs(null)}
      />
      <WebhookSecret
        secret={saved?.secret ?? null}
        publicKey={saved?.publicKey ?? null}
        title={t('webhooks.secret.changed')}
        onClose={() => setSaved({ secret: null, publicKey: null })}
      />
    </>
  );
}
