// Makes or changes an event type of one's own: schema and example are checked as JSON while they are typed.
import { Alert, Button, Drawer, Group, Skeleton, Stack, Switch, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../api';
import { type EventTypeRead, useCreateEventType, useEventType, useUpdateEventType } from '../../api/queries/eventTypes';
import { ForeignText } from '../../parts/ForeignText';
import { Leaving } from '../../parts/Leaving';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { useNotify } from '../../parts/useNotify';
import { JsonField } from './JsonField';
import { bodyOf, FIELDS, faultsOf, fieldsOf, valuesOf } from './values';

/** `name` undefined: a new one; of a common type: an own one that stands in its place. */
type Props = { name: string | undefined; onDone: (name: string) => void };

export function EventTypeForm({ name, onDone }: Props) {
  const { t } = useTranslation();
  const { data, error, refetch } = useEventType(name ?? '', name !== undefined);
  // what is being edited stays as it was read, whatever the cache learns meanwhile
  const [read, setRead] = useState<EventTypeRead | null>(null);
  if (data && read === null) setRead(data);
  const isNew = !read?.type.is_own;
  return (
    <>
      <Drawer.Header>
        <Drawer.Title fw={600} fz="lg">
          {t(isNew ? 'eventTypes.form.newTitle' : 'eventTypes.form.editTitle')}
        </Drawer.Title>
        <Drawer.CloseButton aria-label={t('common.close')} />
      </Drawer.Header>
      <Drawer.Body>
        <ProblemAlert error={error} onRetry={() => void refetch()} />
        {name !== undefined && read === null && !error && <Skeleton height={300} />}
        {(name === undefined || read !== null) && (
          <Form
            key={read?.etag}
            read={read}
            onDone={onDone}
            onReload={async () => setRead((await refetch()).data ?? read)}
          />
        )}
      </Drawer.Body>
    </>
  );
}

type FormProps = { read: EventTypeRead | null; onDone: (name: string) => void; onReload: () => void };

function Form({ read, onDone, onReload }: FormProps) {
  const { t } = useTranslation();
  const { done } = useNotify();
  const create = useCreateEventType();
  const update = useUpdateEventType();
  const isNew = !read?.type.is_own;
  const isSaved = useRef(false);
  const saving = isNew ? create : update;
  const form = useForm({
    initialValues: valuesOf(read),
    validateInputOnChange: ['json_schema', 'example', 'is_strict'],
    validateInputOnBlur: ['name'],
    validate: (values) => faultsOf(values, t),
  });
  const hasConflict = update.error instanceof ApiProblem && update.error.status === 412;
  const refused = (error: unknown) => {
    if (!(error instanceof ApiProblem)) return;
    form.setErrors(fieldsOf(error));
  };
  const save = form.onSubmit((values) => {
    const name = values.name.trim();
    const body = bodyOf(values);
    const saved = () => {
      isSaved.current = true;
      done(t(isNew ? 'eventTypes.form.created' : 'eventTypes.form.saved', { name }));
      onDone(name);
    };
    if (isNew) create.mutate({ name, body }, { onSuccess: saved, onError: refused });
    else update.mutate({ name, etag: read?.etag, body }, { onSuccess: saved, onError: refused });
  });
  return (
    <form onSubmit={save} noValidate>
      <Leaving isBlocking={form.isDirty()} isAllowed={() => isSaved.current} />
      <Stack gap="md">
        {hasConflict ? (
          <Alert role="alert" color="yellow" variant="light" title={t('eventTypes.form.conflict')}>
            {t('eventTypes.form.conflictDetail')}
            <Button mt="sm" size="xs" variant="default" display="block" onClick={onReload}>
              {t('eventTypes.form.reload')}
            </Button>
          </Alert>
        ) : (
          <ProblemAlert error={saving.error} shownFields={FIELDS} />
        )}
        {read === null ? (
          <TextInput
            data-autofocus
            required
            label={t('eventTypes.form.name')}
            description={t('eventTypes.form.nameHint')}
            placeholder="shipment.delayed"
            autoComplete="off"
            spellCheck={false}
            maxLength={100}
            {...form.getInputProps('name')}
          />
        ) : (
          <ForeignText text={read.type.name} mono />
        )}
        <TextInput
          data-autofocus={read !== null || undefined}
          label={t('eventTypes.form.group')}
          description={t('eventTypes.form.groupHint')}
          maxLength={100}
          {...form.getInputProps('group')}
        />
        <Textarea
          label={t('eventTypes.form.description')}
          description={t('eventTypes.form.descriptionHint')}
          autosize
          minRows={2}
          maxRows={6}
          maxLength={2000}
          {...form.getInputProps('description')}
        />
        <JsonField
          label={t('eventTypes.form.schema')}
          description={t('eventTypes.form.schemaHint')}
          placeholder={'{\n  "type": "object",\n  "required": ["total"]\n}'}
          onTidy={(text) => form.setFieldValue('json_schema', text)}
          {...form.getInputProps('json_schema')}
        />
        <JsonField
          label={t('eventTypes.form.example')}
          description={t('eventTypes.form.exampleHint')}
          placeholder={'{\n  "total": 42\n}'}
          onTidy={(text) => form.setFieldValue('example', text)}
          {...form.getInputProps('example')}
        />
        <Switch label={t('eventTypes.form.strict')} {...form.getInputProps('is_strict', { type: 'checkbox' })} />
        <Switch
          label={t('eventTypes.form.deprecated')}
          {...form.getInputProps('is_deprecated', { type: 'checkbox' })}
        />
        <Group justify="flex-end" gap="xs" pb="sm">
          <Button type="submit" loading={saving.isPending} disabled={hasConflict}>
            {isNew ? t('eventTypes.form.create') : t('common.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
