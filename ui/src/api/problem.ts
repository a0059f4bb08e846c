// What can go wrong with a request: refused by the API (RFC 9457), or never answered.
export type FailedRule = { field: string; rule: string; message: string };

const PREFIX = 'urn:posthorn:problem:';

/** A refusal by the API; `kind` is the stable name without its prefix, such as `validation`. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly kind: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: FailedRule[];
  readonly existingId: string | undefined;
  readonly scope: string | undefined;

  constructor(status: number, body: unknown) {
    const said = isRecord(body) ? body : {};
    const detail = textOf(said.detail) ?? '';
    const title = textOf(said.title) ?? `HTTP ${status}`;
    super(detail || title);
    this.name = 'ApiProblem';
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.kind = (textOf(said.type) ?? '').replace(PREFIX, '');
    this.errors = Array.isArray(said.errors) ? said.errors.filter(isFailedRule) : [];
    this.existingId = textOf(said.existing_id);
    this.scope = textOf(said.scope);
  }

  /** Messages by field, for `form.setErrors`; of several for one field all, one per line. */
  byField(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const { field, message } of this.errors) {
      found[field] = found[field] ? `${found[field]}\n${message}` : message;
    }
    return found;
  }
}

/** No answer came: the network, or the server, is away. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('no answer', { cause });
    this.name = 'Unreachable';
  }
}

/** Whether asking again may help without a change of the request. */
export function isPassing(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof ApiProblem && (error.status === 429 || error.status >= 500));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isFailedRule(value: unknown): value is FailedRule {
  return isRecord(value) && [value.field, value.rule, value.message].every((one) => typeof one === 'string');
}
