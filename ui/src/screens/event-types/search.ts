// What is searched for and which type is open, in the address bar.
import { textsOf } from '../search';

/** `type`: the one whose drawer is open; `edit`: `new`, or `own` for the form of that one. */
const NAMES = ['q', 'which', 'type', 'edit'] as const;

export type EventTypeSearch = Partial<Record<(typeof NAMES)[number], string>>;

export const readEventTypeSearch = (search: Record<string, unknown>): EventTypeSearch => textsOf(search, NAMES);
