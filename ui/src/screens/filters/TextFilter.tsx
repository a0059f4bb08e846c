// A filter that is typed: it acts on Enter or when the field is left, not with each letter.
import { Autocomplete, TextInput } from '@mantine/core';
import { type KeyboardEvent, useEffect, useState } from 'react';

type Props = {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
  /** To choose from; others may be typed. */
  choices?: readonly string[];
  placeholder?: string;
  description?: string;
  error?: string;
  inputMode?: 'numeric';
  mono?: boolean;
};

export function TextFilter({ value, onChange, choices, mono = false, ...rest }: Props) {
  const [typed, setTyped] = useState(value ?? '');
  useEffect(() => setTyped(value ?? ''), [value]);
  const apply = (text: string) => {
    const next = text.trim() || undefined;
    if (next !== value) onChange(next);
  };
  const shared = {
    ...rest,
    size: 'sm',
    value: typed,
    autoComplete: 'off',
    spellCheck: false,
    inputWrapperOrder: ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[],
    styles: mono ? { input: { fontFamily: 'var(--mantine-font-family-monospace)' } } : undefined,
    onBlur: () => apply(typed),
    onKeyDown: (press: KeyboardEvent<HTMLInputElement>) => {
      if (press.key === 'Enter') apply(press.currentTarget.value);
    },
  };
  if (choices === undefined)
    return <TextInput {...shared} onChange={(change) => setTyped(change.currentTarget.value)} />;
  return (
    <Autocomplete
      {...shared}
      data={[...choices]}
      limit={30}
      onChange={setTyped}
      onOptionSubmit={apply}
      comboboxProps={{ width: 'max-content', position: 'bottom-start' }}
    />
  );
}
