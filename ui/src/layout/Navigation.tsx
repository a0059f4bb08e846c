// The screens, grouped by what one comes for.
import {
  IconActivity,
  IconBolt,
  IconBuilding,
  IconHistory,
  IconKey,
  IconLayoutDashboard,
  IconListCheck,
  IconSettings,
  IconTags,
  IconWebhook,
} from '@tabler/icons-react';
import { Link, type LinkProps } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { en } from '../i18n/en';
import { useSession } from '../session/useSession';
import classes from './layout.module.css';

type Screen = { name: keyof typeof en.shell.screens; to: LinkProps['to']; icon: typeof IconKey };
type Group = { name: keyof typeof en.shell.groups | null; isOperators?: true; screens: readonly Screen[] };
const GROUPS: readonly Group[] = [
  {
    name: null,
    screens: [
      { name: 'overview', to: '/', icon: IconLayoutDashboard },
      { name: 'webhooks', to: '/webhooks', icon: IconWebhook },
    ],
  },
  {
    name: 'activity',
    screens: [
      { name: 'deliveries', to: '/deliveries', icon: IconActivity },
      { name: 'events', to: '/events', icon: IconBolt },
      { name: 'jobs', to: '/jobs', icon: IconListCheck },
    ],
  },
  {
    name: 'setup',
    screens: [
      { name: 'eventTypes', to: '/event-types', icon: IconTags },
      { name: 'apiKeys', to: '/api-keys', icon: IconKey },
      { name: 'auditLog', to: '/audit-log', icon: IconHistory },
      { name: 'settings', to: '/settings', icon: IconSettings },
    ],
  },
  { name: 'server', isOperators: true, screens: [{ name: 'tenants', to: '/tenants', icon: IconBuilding }] },
];

export function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const { t } = useTranslation();
  const { kind } = useSession();
  return (
    <nav aria-label={t('shell.navigation')}>
      {GROUPS.filter(({ isOperators }) => !isOperators || kind === 'admin').map(({ name, screens }) => (
        <div key={name ?? 'first'}>
          {name && (
            <div className={classes.group} id={`group-${name}`}>
              {t(`shell.groups.${name}`)}
            </div>
          )}
          <ul className={classes.links} aria-labelledby={name ? `group-${name}` : undefined}>
            {screens.map(({ name: screen, to, icon: Icon }) => (
              <li key={screen}>
                <Link to={to} className={classes.link} activeOptions={{ exact: to === '/' }} onClick={onNavigate}>
                  <Icon size={18} stroke={1.7} aria-hidden />
                  {t(`shell.screens.${screen}`)}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
