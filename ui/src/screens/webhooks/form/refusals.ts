// Where a rule that the API names belongs in the form.
import type { FailedRule } from '../../../api/problem';
import { EMPTY, type FormValues } from './values';

/** Messages by field of the form; what belongs to none is left to the alert. */
export function byFormField(rules: readonly FailedRule[], values: FormValues): Record<string, string> {
  const found: Record<string, string> = {};
  for (const rule of rules) {
    const field = fieldOf(rule, values);
    if (field === null) continue;
    const message = rule.field.startsWith('events[') ? `${eventOf(rule.field, values)}: ${rule.message}` : rule.message;
    found[field] = found[field] ? `${found[field]}\n${message}` : message;
  }
  return found;
}

export function fieldOf({ field, rule }: FailedRule, values: FormValues): string | null {
  if (field === 'event' || field.startsWith('events[')) return 'events';
  if (field.startsWith('header_families')) return 'header_families';
  if (field.startsWith('headers.')) {
    const name = field.slice('headers.'.length).toLowerCase();
    const at = values.headers.findIndex((one) => one.name.trim().toLowerCase() === name);
    return at < 0 ? 'headers' : `headers.${at}.${rule === 'header_value' ? 'value' : 'name'}`;
  }
  if (field.startsWith('credentials.')) return field.slice('credentials.'.length);
  if (field === 'retry_preset') return 'retry';
  if (field === 'success_policy') return 'success';
  if (field === 'signature') return 'signing';
  return field in EMPTY ? field : null;
}

function eventOf(field: string, values: FormValues): string {
  return values.events[Number(/\d+/.exec(field)?.[0])] ?? field;
}

export const SECTIONS = [
  'target',
  'events',
  'signing',
  'identity',
  'payload',
  'answers',
  'flow',
  'circuit',
  'metadata',
] as const;
export type Section = (typeof SECTIONS)[number];

const SECTION_OF: Readonly<Record<string, Section>> = {
  filter: 'events',
  events: 'events',
  signing: 'signing',
  secret: 'signing',
  header_families: 'signing',
  headers: 'identity',
  credentialsMode: 'identity',
  username: 'identity',
  password: 'identity',
  token: 'identity',
  client_certificate: 'identity',
  client_key: 'identity',
  payload_format: 'payload',
  template: 'payload',
  template_content_type: 'payload',
  success: 'answers',
  success_codes: 'answers',
  timeout_seconds: 'answers',
  retry: 'answers',
  retry_schedule: 'answers',
  max_retries: 'answers',
  max_in_flight: 'flow',
  rate_per_second: 'flow',
  rate_burst: 'flow',
  ordered: 'flow',
  batch_max: 'flow',
  batch_wait_ms: 'flow',
  circuit_failures: 'circuit',
  circuit_failure_ratio: 'circuit',
  circuit_seconds: 'circuit',
  suspend_after_seconds: 'circuit',
  metadata: 'metadata',
};

/** The section that a field stands in: it must be open for its message to be seen. */
export function sectionOf(field: string): Section {
  return SECTION_OF[field.split('.')[0] ?? ''] ?? 'target';
}
