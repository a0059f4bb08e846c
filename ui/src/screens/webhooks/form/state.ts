// The state of the form: values, what was touched, what is wrong with it, and what the API refused.
import { createContext, useContext, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { check } from './rules';
import type { FormValues } from './values';

export type FormState = {
  values: FormValues;
  isNew: boolean;
  isDirty: boolean;
  /** Everything wrong, whether it is shown or not. */
  faults: Record<string, string>;
  set: <Name extends keyof FormValues>(name: Name, value: FormValues[Name]) => void;
  /** The message under a field: once it was touched, or after an attempt to save. */
  errorOf: (path: string) => string | undefined;
  showAll: () => void;
  refuse: (byField: Record<string, string>) => void;
  /** Lays a change over values that were read again. */
  restart: (values: FormValues) => void;
};

export function useFormState(initial: FormValues, isNew: boolean): FormState {
  const { t } = useTranslation();
  const [before, setBefore] = useState(initial);
  const [values, setValues] = useState(initial);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [isAllShown, setIsAllShown] = useState(false);
  const [refused, setRefused] = useState<Record<string, string>>({});
  const faults = useMemo(() => check(values, t), [values, t]);
  return {
    values,
    isNew,
    isDirty: JSON.stringify(values) !== JSON.stringify(before),
    faults,
    set(name, value) {
      setValues((now) => ({ ...now, [name]: value }));
      setTouched((now) => new Set(now).add(name));
      setRefused((now) => Object.fromEntries(Object.entries(now).filter(([path]) => rootOf(path) !== name)));
    },
    errorOf: (path) => (isAllShown || touched.has(rootOf(path)) ? faults[path] : undefined) ?? refused[path],
    showAll: () => setIsAllShown(true),
    refuse: setRefused,
    restart(next) {
      setBefore(next);
      setValues(next);
      setTouched(new Set());
      setIsAllShown(false);
      setRefused({});
    },
  };
}

const rootOf = (path: string): string => path.split('.')[0] ?? path;

export const FormContext = createContext<FormState | null>(null);

export function useForm(): FormState {
  const form = useContext(FormContext);
  if (form === null) throw new Error('there is no form around');
  return form;
}
