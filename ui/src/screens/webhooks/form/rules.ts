// The API's rules as far as the page can check them while one types. The API has the last word.
import type { TFunction } from 'i18next';
import { DELAY_MAX, DELAYS_MAX, parseDelays } from './delays';
import { codesOf, type FormValues, type NumberField } from './values';

/** Least, most, and whether only whole numbers count. */
export const RANGES: Readonly<Record<NumberField, readonly [number, number, boolean]>> = {
  timeout_seconds: [1, 300, true],
  max_retries: [0, 30, true],
  max_in_flight: [1, 10_000, true],
  rate_per_second: [0.01, 10_000, false],
  rate_burst: [1, 100_000, true],
  batch_max: [1, 1_000, true],
  batch_wait_ms: [0, 60_000, true],
  circuit_failures: [0, 100_000, true],
  circuit_failure_ratio: [0.001, 1, false],
  circuit_seconds: [1, 86_400, true],
  suspend_after_seconds: [0, 31_536_000, true],
};
const EVENT = /^(\*|([a-z0-9_]+\.)+(\*|[a-z0-9_]+))$/i;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
const HEADER_VALUE = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;
const MEDIA_TYPE = /^[a-z]+\/[a-z0-9.+-]+(; ?charset=[a-z0-9-]+)?$/i;
// control characters have no place in a name or a password
const CONTROL = /\p{Cc}/u;

export const isEvent = (text: string): boolean => EVENT.test(text) && text.length <= 100;
export const bytes = (text: string): number => new TextEncoder().encode(text).length;

/** Messages by field, empty when all is well. */
export function check(values: FormValues, t: TFunction): Record<string, string> {
  const found: Record<string, string> = {};
  const fail = (field: string, message: string) => {
    found[field] ??= message;
  };
  checkUrl(values.url, (message) => fail('url', t(`webhooks.rules.${message}`)));
  if (values.description.length > 500) fail('description', t('webhooks.rules.atMost', { max: '500' }));
  if (values.events.length === 0) fail('events', t('webhooks.rules.events'));
  if (values.events.length > 100) fail('events', t('webhooks.rules.tooManyEvents'));
  if (values.filter.length > 4000) fail('filter', t('webhooks.rules.atMost', { max: '4000' }));
  if (values.filter.includes('like_regex')) fail('filter', t('webhooks.rules.likeRegex'));
  checkMetadata(values.metadata, (message) => fail('metadata', t(`webhooks.rules.${message}`)));
  checkSigning(values, t, fail);
  checkIdentity(values, t, fail);
  checkPayload(values, t, fail);
  checkAnswers(values, t, fail);
  checkNumbers(values, t, fail);
  return found;
}

type Fail = (field: string, message: string) => void;

function checkUrl(
  text: string,
  fail: (
    rule: 'urlRequired' | 'urlSpaces' | 'urlScheme' | 'urlLength' | 'urlFormat' | 'urlUser' | 'urlFragment',
  ) => void,
) {
  const url = text.trim();
  if (url === '') return fail('urlRequired');
  if (/[\s\\]/.test(url) || CONTROL.test(url)) return fail('urlSpaces');
  // whether http:// is allowed is the server's to say
  if (!/^https?:\/\/(?!\/)/i.test(url)) return fail('urlScheme');
  if (url.length < 10 || url.length > 2048) return fail('urlLength');
  if (!URL.canParse(url)) return fail('urlFormat');
  const parsed = new URL(url);
  if (parsed.username !== '' || parsed.password !== '') return fail('urlUser');
  if (url.includes('#')) return fail('urlFragment');
}

function checkMetadata(text: string, fail: (rule: 'object' | 'metadataSize') => void) {
  if (text.trim() === '') return;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) fail('object');
    else if (bytes(JSON.stringify(value)) > 16_000) fail('metadataSize');
  } catch {
    fail('object');
  }
}

function checkSigning(values: FormValues, t: TFunction, fail: Fail) {
  if (values.signing === 'none') return;
  const { secret } = values;
  if (secret !== '' && (secret.length < 8 || secret.length > 500)) fail('secret', t('webhooks.rules.secret'));
  if (secret !== '' && values.signing === 'ed25519' && !secret.startsWith('whsk_')) {
    fail('secret', t('webhooks.rules.privateKey'));
  }
  if (secret.startsWith('whsk_') && values.signing === 'hmac') fail('secret', t('webhooks.rules.notPrivateKey'));
  if (values.header_families.length === 0) fail('header_families', t('webhooks.rules.families'));
}

function checkIdentity(values: FormValues, t: TFunction, fail: Fail) {
  if (values.headersMode === 'set') {
    if (values.headers.length > 32) fail('headers', t('webhooks.rules.tooManyHeaders'));
    const seen = new Set<string>();
    values.headers.forEach(({ name, value }, at) => {
      const lower = name.trim().toLowerCase();
      if (!HEADER_NAME.test(lower)) fail(`headers.${at}.name`, t('webhooks.rules.headerName'));
      else if (seen.has(lower)) fail(`headers.${at}.name`, t('webhooks.rules.headerTwice'));
      seen.add(lower);
      if (!HEADER_VALUE.test(value) || value.length > 4096)
        fail(`headers.${at}.value`, t('webhooks.rules.headerValue'));
    });
  }
  if (values.credentialsMode === 'basic') {
    if (values.username === '' || values.username.includes(':') || CONTROL.test(values.username)) {
      fail('username', t('webhooks.rules.username'));
    }
    if (bytes(values.password) > 2048 || CONTROL.test(values.password)) fail('password', t('webhooks.rules.password'));
  }
  if (values.credentialsMode === 'bearer' && (values.token === '' || /[^\x21-\x7e]/.test(values.token))) {
    fail('token', t('webhooks.rules.token'));
  }
  if (values.certificateMode === 'set') {
    if (!values.client_certificate.includes('-----BEGIN CERTIFICATE-----')) {
      fail('client_certificate', t('webhooks.rules.certificate'));
    }
    if (!/-----BEGIN (RSA |EC )?PRIVATE KEY-----/.test(values.client_key)) fail('client_key', t('webhooks.rules.key'));
  }
}

function checkPayload(values: FormValues, t: TFunction, fail: Fail) {
  if (values.payload_format !== 'template') {
    if (values.payload_format === 'cloudevents_binary' && values.batch_max !== '') {
      fail('batch_max', t('webhooks.rules.batchBinary'));
    }
    return;
  }
  if (values.template === '') fail('template', t('webhooks.rules.template'));
  if (bytes(values.template) > 16_384) fail('template', t('webhooks.rules.templateSize'));
  if (!MEDIA_TYPE.test(values.template_content_type.trim())) {
    fail('template_content_type', t('webhooks.rules.mediaType'));
  }
}

function checkAnswers(values: FormValues, t: TFunction, fail: Fail) {
  if (values.success === 'codes') {
    const codes = codesOf(values.success_codes);
    const isGood = (code: number) => Number.isInteger(code) && code >= 200 && code <= 399;
    if (codes.length === 0 || codes.length > 50 || !codes.every(isGood)) {
      fail('success_codes', t('webhooks.rules.codes'));
    }
  }
  if (values.retry === 'own') {
    const delays = parseDelays(values.retry_schedule);
    if (delays === null || delays.length === 0) fail('retry_schedule', t('webhooks.rules.delays'));
    else if (delays.length > DELAYS_MAX || delays.some((one) => one > DELAY_MAX)) {
      fail('retry_schedule', t('webhooks.rules.delaysRange'));
    }
  }
}

function checkNumbers(values: FormValues, t: TFunction, fail: Fail) {
  for (const [name, [min, max, isWhole]] of Object.entries(RANGES) as [
    NumberField,
    readonly [number, number, boolean],
  ][]) {
    const text = values[name].trim().replace(',', '.');
    if (text === '') continue;
    const value = Number(text);
    if (!Number.isFinite(value) || value < min || value > max || (isWhole && !Number.isInteger(value))) {
      const range = { min: String(min), max: String(max) };
      fail(name, isWhole ? t('webhooks.rules.whole', range) : t('webhooks.rules.between', range));
    }
  }
  if (values.rate_burst !== '' && values.rate_per_second === '') fail('rate_burst', t('webhooks.rules.burst'));
  if (Number(values.batch_wait_ms) > 0 && values.batch_max === '') fail('batch_wait_ms', t('webhooks.rules.batchWait'));
}
