// Filters of the audit log, in the address bar.
import { textsOf } from '../search';

const NAMES = ['action', 'target_id', 'since', 'until'] as const;

export type AuditSearch = Partial<Record<(typeof NAMES)[number], string>>;

export const readAuditSearch = (search: Record<string, unknown>): AuditSearch => textsOf(search, NAMES);
