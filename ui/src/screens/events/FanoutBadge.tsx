// Whether an event's deliveries were made.
import { useTranslation } from 'react-i18next';
import type { en } from '../../i18n/en';
import parts from '../../parts/parts.module.css';

type Fanout = keyof typeof en.events.fanout;
const TONE: Record<Fanout, string> = {
  done: 'good',
  open: 'busy',
  muted: 'quiet',
  unknown_tenant: 'bad',
  cancelled: 'quiet',
  refused: 'bad',
};

export function FanoutBadge({ fanout }: { fanout: string }) {
  const { t } = useTranslation();
  const known = Object.hasOwn(TONE, fanout) ? (fanout as Fanout) : null;
  return (
    <span className={parts.pill} data-tone={known ? TONE[known] : 'quiet'}>
      {known ? t(`events.fanout.${known}`) : fanout}
    </span>
  );
}
