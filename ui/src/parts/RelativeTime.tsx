// "3 minutes ago", kept true as time goes by, with the exact time in a tooltip.
import { Tooltip } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../format';
import classes from './parts.module.css';

const TICK_MS = 5_000;
const listeners = new Set<() => void>();
let now = Date.now();
let timer: number | undefined;

/** One clock for all times on the page. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= window.setInterval(() => {
    now = Date.now();
    for (const one of listeners) one();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    window.clearInterval(timer);
    timer = undefined;
  };
}

type Props = {
  at: string | null | undefined;
  /** Instead of nothing; "—" unless given. */
  otherwise?: string;
  /** Writes the exact time beside it, where there is room: a tooltip is not for everybody. */
  withExact?: boolean;
};

export function RelativeTime({ at, otherwise, withExact = false }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  useSyncExternalStore(subscribe, () => now);
  if (!at) return <>{otherwise ?? t('common.none')}</>;
  // by the clock, not by its last tick, before which the newest things would be in the future
  const words = format.relative(at, Date.now());
  if (withExact) {
    return (
      <time dateTime={at}>
        {words} · {format.exact(at)}
      </time>
    );
  }
  return (
    <Tooltip label={format.exact(at)} events={{ hover: true, focus: false, touch: true }}>
      <time className={classes.when} dateTime={at}>
        {words}
      </time>
    </Tooltip>
  );
}
