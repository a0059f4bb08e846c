// Fields of the form by name: label, help and message come with it.
import { type MantineStyleProps, Select, Switch, Textarea, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useForm } from './state';
import type { NumberField as NumberName } from './values';

type TextName =
  | 'url'
  | 'description'
  | 'filter'
  | 'template_content_type'
  | 'success_codes'
  | 'retry_schedule'
  | 'username';
type AreaName = 'template' | 'metadata' | 'client_certificate' | 'client_key';

const mono = { input: { fontFamily: 'var(--mantine-font-family-monospace)' } };

type Own = { placeholder?: string; isMono?: boolean; isRequired?: boolean; maxLength?: number };

export function TextField({ name, placeholder, isMono, isRequired }: Own & { name: TextName }) {
  const { t } = useTranslation();
  const { values, set, errorOf } = useForm();
  return (
    <TextInput
      id={`field-${name}`}
      label={t(`webhooks.form.${name}.label`)}
      description={t(`webhooks.form.${name}.help`)}
      placeholder={placeholder}
      withAsterisk={isRequired}
      aria-required={isRequired}
      autoComplete="off"
      spellCheck={false}
      dir="auto"
      styles={isMono ? mono : undefined}
      value={values[name]}
      error={errorOf(name)}
      onChange={(change) => set(name, change.currentTarget.value)}
    />
  );
}

export function AreaField({ name, placeholder, rows = 4 }: Own & { name: AreaName; rows?: number }) {
  const { t } = useTranslation();
  const { values, set, errorOf } = useForm();
  return (
    <Textarea
      id={`field-${name}`}
      label={t(`webhooks.form.${name}.label`)}
      description={t(`webhooks.form.${name}.help`)}
      placeholder={placeholder}
      autosize
      minRows={rows}
      maxRows={20}
      autoComplete="off"
      spellCheck={false}
      styles={mono}
      value={values[name]}
      error={errorOf(name)}
      onChange={(change) => set(name, change.currentTarget.value)}
    />
  );
}

export function NumberField({ name, ...style }: { name: NumberName } & MantineStyleProps) {
  const { t } = useTranslation();
  const { values, set, errorOf } = useForm();
  return (
    <TextInput
      {...style}
      id={`field-${name}`}
      label={t(`webhooks.form.${name}.label`)}
      description={t(`webhooks.form.${name}.help`)}
      placeholder={t(`webhooks.form.${name}.otherwise`)}
      inputMode="decimal"
      autoComplete="off"
      value={values[name]}
      error={errorOf(name)}
      onChange={(change) => set(name, change.currentTarget.value)}
    />
  );
}

export function ChoiceField({
  name,
  options,
}: {
  name: 'payload_format' | 'retry';
  options: readonly { value: string; label: string }[];
}) {
  const { t } = useTranslation();
  const { values, set, errorOf } = useForm();
  return (
    <Select
      id={`field-${name}`}
      label={t(`webhooks.form.${name}.label`)}
      description={t(`webhooks.form.${name}.help`)}
      data={[...options]}
      allowDeselect={false}
      value={values[name]}
      error={errorOf(name)}
      onChange={(value) => value !== null && set(name, value)}
    />
  );
}

export function SwitchField({ name }: { name: 'active' | 'ordered' }) {
  const { t } = useTranslation();
  const { values, set } = useForm();
  return (
    <Switch
      id={`field-${name}`}
      label={t(`webhooks.form.${name}.label`)}
      description={t(`webhooks.form.${name}.help`)}
      checked={values[name]}
      onChange={(change) => set(name, change.currentTarget.checked)}
    />
  );
}
