// What the form of an event type holds, checks and sends.
import type { TFunction } from 'i18next';
import type { ApiProblem } from '../../api';
import type { EventTypeBody, EventTypeRead } from '../../api/queries/eventTypes';

export const FIELDS = ['name', 'group', 'description', 'json_schema', 'example', 'is_strict', 'is_deprecated'];
const NAME = /^[a-z0-9_]+(\.[a-z0-9_]+)+$/;

export type Values = {
  name: string;
  group: string;
  description: string;
  json_schema: string;
  example: string;
  is_strict: boolean;
  is_deprecated: boolean;
};

export function valuesOf(read: EventTypeRead | null): Values {
  return {
    name: read?.type.name ?? '',
    group: read?.type.group ?? '',
    description: read?.type.description ?? '',
    json_schema: read?.schemaText ?? '',
    example: read?.exampleText ?? '',
    is_strict: read?.type.is_strict ?? false,
    is_deprecated: read?.type.is_deprecated ?? false,
  };
}

export function faultsOf(values: Values, t: TFunction): Record<string, string | null> {
  const name = values.name.trim();
  return {
    name: name === '' ? t('eventTypes.form.nameNeeded') : NAME.test(name) ? null : t('eventTypes.form.nameWrong'),
    json_schema: jsonFault(values.json_schema, t),
    example: jsonFault(values.example, t),
    is_strict: values.is_strict && values.json_schema.trim() === '' ? t('eventTypes.form.strictNeeds') : null,
  };
}

export function bodyOf({ group, description, json_schema, example, is_strict, is_deprecated }: Values): EventTypeBody {
  return {
    group: group.trim() || null,
    description: description.trim(),
    json_schema: json_schema.trim() || null,
    example: example.trim() || null,
    is_strict,
    is_deprecated,
  };
}

/** A fault deep inside (`json_schema/properties/a`) stands under its field, with the way to it. */
export function fieldsOf(error: ApiProblem): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { field, message } of error.errors) {
    const [root = field, ...way] = field.split('/');
    const words = way.length > 0 ? `/${way.join('/')}: ${message}` : message;
    found[root] = found[root] ? `${found[root]}\n${words}` : words;
  }
  return found;
}

function jsonFault(text: string, t: TFunction): string | null {
  if (text.trim() === '') return null;
  try {
    const read: unknown = JSON.parse(text);
    const isObject = typeof read === 'object' && read !== null && !Array.isArray(read);
    return isObject ? null : t('eventTypes.form.notObject');
  } catch (fault) {
    return t('eventTypes.form.notJson', { why: fault instanceof Error ? fault.message : '' });
  }
}
