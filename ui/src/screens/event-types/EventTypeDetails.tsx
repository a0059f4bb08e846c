// One event type: what it says, how its payload looks, and how to publish one.
import { Button, Drawer, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconPencil, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { act } from '../../api/act';
import { type EventTypeRead, useDeleteEventType, useEventType } from '../../api/queries/eventTypes';
import { CodeBlock } from '../../parts/CodeBlock';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { EmptyState } from '../../parts/EmptyState';
import { Facts } from '../../parts/Facts';
import { ForeignText } from '../../parts/ForeignText';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { RelativeTime } from '../../parts/RelativeTime';
import { useNotify } from '../../parts/useNotify';
import { Allowed, useSession } from '../../session/useSession';
import { Marks } from './Marks';
import { publishLine } from './publishLine';

type Props = { name: string; onEdit: () => void; onGone: () => void };

export function EventTypeDetails({ name, onEdit, onGone }: Props) {
  const { t } = useTranslation();
  const { data, error, refetch } = useEventType(name);
  const isUnknown = error instanceof ApiProblem && (error.status === 404 || error.status === 400);
  return (
    <>
      <Drawer.Header>
        <Drawer.Title fw={600} fz="lg">
          <ForeignText text={name} />
        </Drawer.Title>
        <Drawer.CloseButton aria-label={t('common.close')} />
      </Drawer.Header>
      <Drawer.Body>
        {isUnknown ? (
          <EmptyState title={t('common.notFound.title')} detail={t('eventTypes.drawer.unknown')} />
        ) : (
          <Stack gap="lg">
            <ProblemAlert error={error} onRetry={() => void refetch()} />
            {!data && !error && <Skeleton height={220} />}
            {data && <Details read={data} onEdit={onEdit} onGone={onGone} />}
          </Stack>
        )}
      </Drawer.Body>
    </>
  );
}

function Details({ read, onEdit, onGone }: { read: EventTypeRead } & Pick<Props, 'onEdit' | 'onGone'>) {
  const { t } = useTranslation();
  const { tenant } = useSession();
  const { type, schemaText, exampleText } = read;
  return (
    <>
      {type.description && (
        <Text>
          <ForeignText text={type.description} />
        </Text>
      )}
      <Marks type={{ ...type, has_json_schema: schemaText !== null }} />
      <Facts
        facts={[
          { name: t('eventTypes.drawer.group'), value: <ForeignText text={type.group} /> },
          // of own ones a mark says it
          { name: t('eventTypes.drawer.kind'), value: !type.is_own && t('eventTypes.drawer.common') },
          { name: t('eventTypes.drawer.changed'), value: <RelativeTime at={type.updated_at} withExact /> },
        ]}
      />
      <Allowed to="manage">
        <Actions name={type.name} isOwn={type.is_own} onEdit={onEdit} onGone={onGone} />
      </Allowed>
      <Part title={t('eventTypes.drawer.example')} none={t('eventTypes.drawer.exampleNone')} text={exampleText} />
      <Part title={t('eventTypes.schema')} none={t('eventTypes.drawer.schemaNone')} text={schemaText} />
      <section>
        <Title order={3} mb={6}>
          {t('eventTypes.drawer.publish')}
        </Title>
        <CodeBlock
          label={t('eventTypes.drawer.publish')}
          text={publishLine(tenant?.id ?? '', type.name, exampleText)}
          wrap
        />
      </section>
    </>
  );
}

function Part({ title, none, text }: { title: string; none: string; text: string | null }) {
  return (
    <section>
      <Title order={3} mb={6}>
        {title}
      </Title>
      {text === null ? <Text c="dimmed">{none}</Text> : <CodeBlock label={title} text={text} language="json" />}
    </section>
  );
}

type ActionsProps = { name: string; isOwn: boolean } & Pick<Props, 'onEdit' | 'onGone'>;

function Actions({ name, isOwn, onEdit, onGone }: ActionsProps) {
  const { t } = useTranslation();
  const { done } = useNotify();
  const remove = useDeleteEventType();
  const [isAsking, setIsAsking] = useState(false);
  if (!isOwn) {
    return (
      <div>
        <Button variant="default" size="xs" leftSection={<IconPencil size={15} aria-hidden />} onClick={onEdit}>
          {t('eventTypes.drawer.describe')}
        </Button>
        <Text size="sm" c="dimmed" mt={4}>
          {t('eventTypes.drawer.describeHint')}
        </Text>
      </div>
    );
  }
  return (
    <Group gap="xs">
      <Button variant="default" size="xs" leftSection={<IconPencil size={15} aria-hidden />} onClick={onEdit}>
        {t('eventTypes.drawer.edit')}
      </Button>
      <Button
        variant="default"
        size="xs"
        leftSection={<IconTrash size={15} aria-hidden />}
        onClick={() => setIsAsking(true)}
      >
        {t('eventTypes.drawer.remove')}
      </Button>
      <ConfirmDialog
        opened={isAsking}
        title={t('eventTypes.drawer.removeTitle', { name })}
        confirmLabel={t('eventTypes.drawer.remove')}
        danger
        isBusy={remove.isPending}
        error={remove.error}
        onClose={() => {
          setIsAsking(false);
          remove.reset();
        }}
        onConfirm={() =>
          act(remove, name, () => {
            setIsAsking(false);
            done(t('eventTypes.drawer.removed', { name }));
            onGone();
          })
        }
      >
        {t('eventTypes.drawer.removeDetail')}
      </ConfirmDialog>
    </Group>
  );
}
