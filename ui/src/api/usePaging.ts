// Walks a keyset list page by page: only one page is loaded and kept fresh, however long the list is.
import { useState } from 'react';

export type Paging = {
  /** Pass as `cursor` of the list. */
  cursor: string | undefined;
  page: number;
  next: (cursor: string) => void;
  previous: () => void;
  first: () => void;
};

/** Begins again at the first page whenever `resetBy` (the filters, as text) changes. */
export function usePaging(resetBy = ''): Paging {
  const [state, setState] = useState<{ resetBy: string; cursors: string[] }>({ resetBy, cursors: [] });
  const cursors = state.resetBy === resetBy ? state.cursors : [];
  const go = (to: string[]) => setState({ resetBy, cursors: to });
  return {
    cursor: cursors.at(-1),
    page: cursors.length + 1,
    next: (cursor) => go([...cursors, cursor]),
    previous: () => go(cursors.slice(0, -1)),
    first: () => go([]),
  };
}
