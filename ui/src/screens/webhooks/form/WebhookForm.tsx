// The form of a webhook: the main things open, the rare ones folded away; warns before typed things are lost.
import { Accordion, Alert, Button, Stack, Text, Title } from '@mantine/core';
import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '../../../api';
import type { Subscription } from '../../../api/queries/subscriptions';
import { Leaving } from '../../../parts/Leaving';
import { ProblemAlert } from '../../../parts/ProblemAlert';
import { AnswerFields, CircuitFields, FlowFields, PayloadFields } from './BehaviourFields';
import { Duplicate } from './Duplicate';
import { EventsField } from './EventsField';
import { AreaField, SwitchField, TextField } from './Fields';
import classes from './form.module.css';
import { IdentityFields } from './IdentityFields';
import { byFormField, fieldOf, type Section, sectionOf } from './refusals';
import { SigningFields } from './SigningFields';
import { FormContext, type FormState } from './state';
import type { FormValues } from './values';

type Props = {
  form: FormState;
  /** Undefined for a new one. */
  stored: Subscription | undefined;
  before: FormValues | undefined;
  submitLabel: string;
  isBusy: boolean;
  error: unknown;
  /** What is typed is stored: leaving loses nothing. */
  isSaved: boolean;
  onSubmit: () => void;
  onCancel: () => void;
};

export function WebhookForm(props: Props) {
  const { form, stored, before, error } = props;
  const { t } = useTranslation();
  const box = useRef<HTMLFormElement>(null);
  const [open, setOpen] = useState<string[]>([]);
  const [look, setLook] = useState(0);
  const rules = error instanceof ApiProblem ? error.errors : [];
  const { refuse, values } = form;
  // what the API refused, under the fields, in sections that are open
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when the API answered anew
  useEffect(() => {
    if (!(error instanceof ApiProblem)) return;
    const found = byFormField(error.errors, values);
    refuse(found);
    setOpen((now) => [...new Set([...now, ...Object.keys(found).map(sectionOf)])]);
    setLook((times) => times + 1);
  }, [error]);
  useEffect(() => {
    if (look > 0) firstFault(box.current)?.focus();
  }, [look]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wrong = Object.keys(form.faults);
    if (wrong.length === 0) return props.onSubmit();
    form.showAll();
    setOpen((now) => [...new Set([...now, ...wrong.map(sectionOf)])]);
    setLook((times) => times + 1);
  };
  const shown = rules.filter((rule) => fieldOf(rule, values) !== null).map(({ field }) => field);
  const hasOther = shown.length < rules.length || rules.length === 0;
  const existing = error instanceof ApiProblem ? error.existingId : undefined;
  return (
    <FormContext value={form}>
      <form ref={box} onSubmit={submit} noValidate className={classes.form}>
        <Stack gap="md">
          <Part title={t('webhooks.form.sections.target')}>
            <TextField name="url" placeholder="https://example.com/webhooks" isRequired />
            <TextField name="description" placeholder={t('webhooks.form.description.example')} />
            {form.isNew && <SwitchField name="active" />}
          </Part>
          <Part title={t('webhooks.form.sections.events')}>
            <EventsField />
            <TextField name="filter" placeholder="$.amount > 100" isMono />
          </Part>
          <Title order={2} mt="sm">
            {t('webhooks.form.more')}
          </Title>
          <Accordion multiple value={open} onChange={setOpen} className={classes.folded} order={3} keepMounted>
            <Folded name="signing">
              <SigningFields before={before?.signing} />
            </Folded>
            <Folded name="identity">
              <IdentityFields stored={stored} />
            </Folded>
            <Folded name="payload">
              <PayloadFields stored={stored} />
            </Folded>
            <Folded name="answers">
              <AnswerFields />
            </Folded>
            <Folded name="flow">
              <FlowFields />
            </Folded>
            <Folded name="circuit">
              <CircuitFields />
            </Folded>
            <Folded name="metadata">
              <AreaField name="metadata" placeholder='{"team": "billing"}' />
            </Folded>
          </Accordion>
          {existing ? <Duplicate id={existing} /> : hasOther && <ProblemAlert error={error} shownFields={shown} />}
          {shown.length > 0 && (
            <Alert role="alert" color="red" variant="light">
              {t('webhooks.form.refused')}
            </Alert>
          )}
        </Stack>
        <div className={classes.bar}>
          <Text size="sm" c="dimmed" role="status">
            {form.isDirty && !props.isSaved ? t('common.unsaved') : ''}
          </Text>
          <Button variant="default" onClick={props.onCancel}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={props.isBusy}>
            {props.submitLabel}
          </Button>
        </div>
      </form>
      <Leaving isBlocking={form.isDirty && !props.isSaved} />
    </FormContext>
  );
}

function Part({ title, children }: { title: string; children: React.ReactNode }) {
  const id = useId();
  return (
    <section className={classes.section} aria-labelledby={id}>
      <Title order={2} id={id} mb="sm">
        {title}
      </Title>
      <Stack gap="md">{children}</Stack>
    </section>
  );
}

function Folded({ name, children }: { name: Exclude<Section, 'target' | 'events'>; children: React.ReactNode }) {
  const { t } = useTranslation();
  return (
    <Accordion.Item value={name}>
      <Accordion.Control>
        <Text span fw={600}>
          {t(`webhooks.form.sections.${name}`)}
        </Text>
        <span className={classes.summary}>{t(`webhooks.form.about.${name}`)}</span>
      </Accordion.Control>
      <Accordion.Panel>{children}</Accordion.Panel>
    </Accordion.Item>
  );
}

/** The first field with a message, in the order of the page. */
function firstFault(form: HTMLFormElement | null): HTMLElement | null {
  const field = form?.querySelector<HTMLElement>('[aria-invalid="true"]');
  return field ?? form?.querySelector<HTMLElement>('.mantine-InputWrapper-error')?.parentElement ?? null;
}
