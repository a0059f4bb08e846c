// A new webhook. Its secret is shown once, then its panel.
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCreateSubscription } from '../../api/queries/subscriptions';
import { PageHeader } from '../../parts/PageHeader';
import { useNotify } from '../../parts/useNotify';
import { useSession } from '../../session/useSession';
import { Forward } from './Forward';
import { useFormState } from './form/state';
import { EMPTY, inputOf } from './form/values';
import { WebhookForm } from './form/WebhookForm';
import { NotAllowed } from './NotAllowed';
import { isShown, WebhookSecret } from './WebhookSecret';

type Made = { id: string; secret: string | null; publicKey: string | null };

export default function NewWebhook() {
  const { t } = useTranslation();
  const { can } = useSession();
  const go = useNavigate();
  const { done } = useNotify();
  const form = useFormState(EMPTY, true);
  const create = useCreateSubscription();
  const [made, setMade] = useState<Made | null>(null);
  const open = (id: string) => go({ to: '/webhooks/$id', params: { id }, replace: true });
  const submit = async () => {
    // the error is shown in the form
    const answer = await create.mutateAsync(inputOf(form.values)).catch(() => null);
    if (answer === null) return;
    create.reset();
    done(t('webhooks.form.created'));
    const secret = isShown(answer.secret) ? answer.secret : null;
    setMade({ id: answer.id, secret, publicKey: answer.public_key ?? null });
  };
  // an unsigned one has nothing to show
  if (made !== null && made.secret === null) return <Forward to={() => open(made.id)} />;
  return (
    <>
      <PageHeader title={t('webhooks.new')} lead={t('webhooks.form.lead')} />
      {can('manage') ? (
        <WebhookForm
          form={form}
          stored={undefined}
          before={undefined}
          submitLabel={t('webhooks.form.create')}
          isBusy={create.isPending}
          error={create.error}
          isSaved={made !== null}
          onSubmit={submit}
          onCancel={() => go({ to: '/webhooks' })}
        />
      ) : (
        <NotAllowed />
      )}
      <WebhookSecret
        secret={made?.secret ?? null}
        publicKey={made?.publicKey ?? null}
        title={t('webhooks.secret.title')}
        onClose={() => {
          if (made === null) return;
          setMade({ ...made, secret: null });
        }}
      />
    </>
  );
}
