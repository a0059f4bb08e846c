// What the form holds: texts as they are typed, and how they become the body of a request.
import type { SubscriptionChange, SubscriptionInput, SubscriptionRecord } from '../../../api/queries/subscriptions';
import { JsonText } from '../../../format/rawJson';
import { formatDelays, parseDelays } from './delays';

export const PRESETS = ['default', 'gestiq', 'gestiq-celery', 'dotmac', 'standard-webhooks'] as const;
export const FORMATS = ['default', 'gestiq', 'dotmac', 'cloudevents', 'cloudevents_binary', 'raw', 'template'] as const;
export const FAMILIES = ['standard', 'gestiq', 'dotmac'] as const;
export const NUMBERS = [
  'timeout_seconds',
  'max_retries',
  'max_in_flight',
  'rate_per_second',
  'rate_burst',
  'batch_max',
  'batch_wait_ms',
  'circuit_failures',
  'circuit_failure_ratio',
  'circuit_seconds',
  'suspend_after_seconds',
] as const;
export type NumberField = (typeof NUMBERS)[number];
export type HeaderRow = { key: string; name: string; value: string };

export type FormValues = Record<NumberField, string> & {
  url: string;
  description: string;
  active: boolean;
  events: string[];
  filter: string;
  signing: 'hmac' | 'ed25519' | 'none';
  secret: string;
  header_families: string[];
  /** `keep`: the stored ones, whose values nobody can read, stay. */
  headersMode: 'keep' | 'set';
  headers: HeaderRow[];
  credentialsMode: 'keep' | 'none' | 'basic' | 'bearer';
  username: string;
  password: string;
  token: string;
  certificateMode: 'keep' | 'none' | 'set';
  client_certificate: string;
  client_key: string;
  payload_format: string;
  template: string;
  template_content_type: string;
  success: 'standard' | 'gestiq' | 'codes';
  success_codes: string;
  /** A preset's name, `server`, `never` or `own`. */
  retry: string;
  retry_schedule: string;
  ordered: boolean;
  metadata: string;
};

export type Body = SubscriptionInput;

const NONE = Object.fromEntries(NUMBERS.map((name) => [name, ''])) as Record<NumberField, string>; // every name is there

export const EMPTY: FormValues = {
  ...NONE,
  url: '',
  description: '',
  active: true,
  events: [],
  filter: '',
  signing: 'hmac',
  secret: '',
  header_families: [...FAMILIES],
  headersMode: 'set',
  headers: [],
  credentialsMode: 'none',
  username: '',
  password: '',
  token: '',
  certificateMode: 'none',
  client_certificate: '',
  client_key: '',
  payload_format: 'default',
  template: '',
  template_content_type: 'application/json',
  success: 'standard',
  success_codes: '',
  retry: 'server',
  retry_schedule: '',
  ordered: false,
  metadata: '',
};

export function valuesOf(row: SubscriptionRecord): FormValues {
  const numbers = NUMBERS.map((name): [string, string] => {
    const value = row[name];
    return [name, typeof value === 'number' && !(name === 'batch_wait_ms' && value === 0) ? String(value) : ''];
  });
  return {
    ...EMPTY,
    ...(Object.fromEntries(numbers) as Record<NumberField, string>), // every name is there
    url: row.url,
    description: row.description ?? '',
    active: row.active,
    events: row.events,
    filter: row.filter ?? '',
    signing: row.signing === 'none' ? 'none' : row.signature === 'ed25519' ? 'ed25519' : 'hmac',
    header_families: row.header_families,
    headersMode: Object.keys(row.headers).length > 0 ? 'keep' : 'set',
    credentialsMode: row.credentials_type ? 'keep' : 'none',
    certificateMode: row.client_certificate ? 'keep' : 'none',
    payload_format: row.payload_format,
    template: row.template ?? '',
    template_content_type: row.template_content_type,
    success: row.success_codes ? 'codes' : row.success_policy === 'gestiq' ? 'gestiq' : 'standard',
    success_codes: row.success_codes?.join(', ') ?? '',
    retry: !row.retry_schedule ? 'server' : row.retry_schedule.length === 0 ? 'never' : 'own',
    retry_schedule: formatDelays(row.retry_schedule ?? []),
    ordered: row.ordered,
    metadata: row.metadataText,
  };
}

/** The whole body: what says nothing is null, which is the default. */
export function bodyOf(values: FormValues): Body {
  const text = (value: string) => value.trim() || null;
  const number = (name: NumberField) => (values[name].trim() === '' ? null : Number(values[name].replace(',', '.')));
  const isTemplate = values.payload_format === 'template';
  const isSigned = values.signing !== 'none';
  const body: Body = {
    url: values.url.trim(),
    events: values.events,
    description: text(values.description),
    filter: text(values.filter),
    metadata: values.metadata.trim() === '' ? null : new JsonText(values.metadata),
    signing: isSigned ? 'required' : 'none',
    signature: values.signing === 'ed25519' ? 'ed25519' : 'hmac',
    header_families: FAMILIES.filter((one) => values.header_families.includes(one)),
    payload_format: FORMATS.find((one) => one === values.payload_format) ?? 'default',
    template: isTemplate ? values.template : null,
    template_content_type: isTemplate ? text(values.template_content_type) : null,
    success_policy: values.success === 'gestiq' ? 'gestiq' : 'standard',
    success_codes: values.success === 'codes' ? codesOf(values.success_codes) : null,
    ...scheduleOf(values),
    timeout_seconds: number('timeout_seconds'),
    max_retries: number('max_retries'),
    max_in_flight: number('max_in_flight'),
    rate_per_second: number('rate_per_second'),
    rate_burst: number('rate_burst'),
    batch_max: number('batch_max'),
    batch_wait_ms: number('batch_wait_ms'),
    circuit_failures: number('circuit_failures'),
    circuit_failure_ratio: number('circuit_failure_ratio'),
    circuit_seconds: number('circuit_seconds'),
    suspend_after_seconds: number('suspend_after_seconds'),
    ordered: values.ordered,
  };
  if (isSigned && values.secret !== '') body.secret = values.secret;
  if (values.headersMode === 'set') {
    body.headers = Object.fromEntries(values.headers.map(({ name, value }) => [name.trim(), value]));
  }
  if (values.credentialsMode === 'none') body.credentials = null;
  if (values.credentialsMode === 'bearer') body.credentials = { type: 'bearer', token: values.token };
  if (values.credentialsMode === 'basic') {
    body.credentials = { type: 'basic', username: values.username, password: values.password };
  }
  if (values.certificateMode !== 'keep') {
    const isSet = values.certificateMode === 'set';
    body.client_certificate = isSet ? values.client_certificate : null;
    body.client_key = isSet ? values.client_key : null;
  }
  return body;
}

function scheduleOf({ retry, retry_schedule }: FormValues): Pick<Body, 'retry_preset' | 'retry_schedule'> {
  if (retry === 'server') return { retry_schedule: null };
  if (retry === 'never') return { retry_schedule: [] };
  return retry === 'own' ? { retry_schedule: parseDelays(retry_schedule) ?? [] } : { retry_preset: retry };
}

export const codesOf = (text: string): number[] =>
  text
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(Number);

/** What is to be created: without what says nothing. */
export function inputOf(values: FormValues): Body {
  const all = Object.entries(bodyOf(values)).filter(([, value]) => value !== null);
  const said = Object.fromEntries(all) as Body; // url is never null
  // ed25519 signs with the standard headers alone, which is its default
  if (values.active) return said;
  return { ...said, active: false };
}

/** What differs from what the form began with: nothing else is sent, so that nothing else is overwritten. */
export function changeOf(before: FormValues, values: FormValues): SubscriptionChange {
  const [old, now] = [bodyOf(before), bodyOf(values)];
  const changed = Object.entries(now).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(old[name as keyof Body]), // names of Body
  );
  const change: SubscriptionChange = Object.fromEntries(changed);
  if ('retry_preset' in change) delete change.retry_schedule;
  // these are read together
  if ('payload_format' in change && now.template) change.template = now.template;
  return change;
}
