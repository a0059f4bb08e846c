// Filters of the job list, in the address bar.
import { textsOf } from '../search';

/** `job`: the one whose drawer is open. */
const NAMES = ['state', 'kind', 'job'] as const;

export type JobSearch = Partial<Record<(typeof NAMES)[number], string>>;

export const readJobSearch = (search: Record<string, unknown>): JobSearch => textsOf(search, NAMES);
