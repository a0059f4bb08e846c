// The state of a delivery, receiver, job or key: colour, sign and word, so that colour alone says nothing.
import {
  IconAlertTriangle,
  IconBan,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleFilled,
  IconCircleX,
  IconClock,
  IconPlayerPause,
  type TablerIcon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { en } from '../i18n/en';
import classes from './parts.module.css';

export type Status = keyof typeof en.common.status;
type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'quiet';

const LOOK: Record<Status, [Tone, TablerIcon]> = {
  pending: ['quiet', IconClock],
  sending: ['busy', IconCircleFilled],
  retrying: ['warn', IconClock],
  delivered: ['good', IconCircleCheck],
  failed: ['bad', IconCircleX],
  abandoned: ['bad', IconCircleX],
  cancelled: ['quiet', IconBan],
  healthy: ['good', IconCircleCheck],
  degraded: ['warn', IconAlertTriangle],
  failing: ['bad', IconCircleX],
  suspended: ['bad', IconBan],
  paused: ['quiet', IconPlayerPause],
  active: ['good', IconCircleCheck],
  disabled: ['quiet', IconPlayerPause],
  waiting: ['quiet', IconClock],
  running: ['busy', IconCircleFilled],
  done: ['good', IconCircleCheck],
  revoked: ['quiet', IconBan],
  expired: ['quiet', IconClock],
};

/** `status` as the API says it; one that this page does not know is shown as it is. */
export function StatusBadge({ status }: { status: string }) {
  const { t } = useTranslation();
  const known = isStatus(status) ? status : null;
  const [tone, Icon]: [Tone, TablerIcon] = known ? LOOK[known] : ['quiet', IconCircleDashed];
  return (
    <span className={classes.pill} data-tone={tone}>
      <Icon size={Icon === IconCircleFilled ? 8 : 13} stroke={2} aria-hidden />
      {known ? t(`common.status.${known}`) : status}
    </span>
  );
}

function isStatus(word: string): word is Status {
  return Object.hasOwn(LOOK, word);
}
