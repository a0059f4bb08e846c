// A list that is fresh while one looks at its beginning, and holds still while one reads further down or on older pages.
// Then it is asked for up to the newest row that was seen, and what came since is only counted.
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { usePaging } from './usePaging';

const ROWS = 50;
/** Counted up to here. */
const FRESH = 100;
const SCROLLED_FROM_PX = 120;

type Page<Row> = { data: Row[]; next_cursor?: string | null };
type Bounds = { since?: string; until?: string; cursor?: string; limit: number };
type Answer<Found> = { data: Found | undefined; error: unknown; isPlaceholderData: boolean; refetch: () => unknown };
type Range = { since?: string; until?: string };

/**
 * `resetBy`: the filters as text. `idOf`: the id that the list is ordered by; like all of ours it begins with a time.
 * `useRows` asks for a page.
 */
export function useLiveList<Row, Found extends Page<Row>>(
  { resetBy, range, idOf }: { resetBy: string; range: Range; idOf: (row: Row) => string },
  useRows: (bounds: Bounds, enabled: boolean) => Answer<Found>,
) {
  const paging = usePaging(resetBy);
  const isScrolled = useSyncExternalStore(onScroll, () => window.scrollY > SCROLLED_FROM_PX);
  const isAway = isScrolled || paging.page > 1;
  const [pin, setPin] = useState<{ resetBy: string; at: string } | null>(null);
  const heldAt = isAway && pin?.resetBy === resetBy ? pin.at : null;
  const until = heldAt !== null && (!range.until || heldAt < range.until) ? heldAt : range.until;
  const answer = useRows({ ...range, until, cursor: paging.cursor, limit: ROWS }, true);
  const newest = answer.data?.data[0];
  const newestAt = newest === undefined || answer.isPlaceholderData ? null : justAfter(idOf(newest));

  // While a list begins to hold still it is asked for anew, and what is shown is its answer before: that leads on as well.
  // The answer of another page does not.
  const asked = `${resetBy} ${paging.cursor ?? ''}`;
  const shown = useRef(asked);
  useEffect(() => {
    if (!answer.isPlaceholderData) shown.current = asked;
  }, [answer.isPlaceholderData, asked]);
  const isStale = answer.isPlaceholderData && shown.current !== asked;

  useEffect(() => {
    if (!isAway) setPin(null);
    else if (newestAt !== null && paging.page === 1) {
      setPin((now) => (now?.resetBy === resetBy ? now : { resetBy, at: newestAt }));
    }
  }, [isAway, newestAt, paging.page, resetBy]);

  const canCome = heldAt !== null && (!range.until || heldAt < range.until);
  const since = heldAt !== null && (!range.since || heldAt > range.since) ? heldAt : range.since;
  const fresh = useRows({ since, until: range.until, limit: FRESH }, canCome);
  const came = canCome && !fresh.isPlaceholderData ? fresh.data : undefined;

  return {
    answer,
    paging: {
      ...paging,
      isStale,
      next(cursor: string) {
        // the page before is still shown: its cursor leads to where one is going already
        if (isStale) return;
        const at = newest && paging.page === 1 ? justAfter(idOf(newest)) : null;
        if (at !== null) setPin((now) => now ?? { resetBy, at });
        paging.next(cursor);
        window.scrollTo(0, 0);
      },
      previous() {
        paging.previous();
        window.scrollTo(0, 0);
      },
    },
    isHeld: heldAt !== null,
    freshCount: came?.data.length ?? 0,
    hasMoreFresh: Boolean(came?.next_cursor),
    showFresh() {
      setPin(null);
      paging.first();
      window.scrollTo(0, 0);
    },
  };
}

function onScroll(listener: () => void): () => void {
  window.addEventListener('scroll', listener, { passive: true });
  return () => window.removeEventListener('scroll', listener);
}

/** The millisecond after the time that a UUIDv7 begins with; null for another kind of id. */
function justAfter(id: string): string | null {
  if (id[14] !== '7') return null;
  return new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16) + 1).toISOString();
}
