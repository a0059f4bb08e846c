// What is shown instead of nothing: what would be here, and the next step.
import { Text } from '@mantine/core';
import { IconInbox, type TablerIcon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './parts.module.css';

type Props = {
  title: string;
  detail?: ReactNode;
  icon?: TablerIcon;
  /** A button or link to the next step. */
  action?: ReactNode;
  /** Wider things below, such as a CodeBlock. */
  children?: ReactNode;
  /** It is the whole screen: its title is the screen's heading. */
  isPage?: boolean;
};

export function EmptyState({ title, detail, icon: Icon = IconInbox, action, children, isPage = false }: Props) {
  return (
    <div className={classes.empty}>
      <div className={classes.emptyIcon}>
        <Icon size={22} stroke={1.6} aria-hidden />
      </div>
      <Text fw={600} size="lg" {...(isPage && { component: 'h1', m: 0 })}>
        {title}
      </Text>
      {detail && (
        <Text component="div" c="dimmed" size="md" maw={460}>
          {detail}
        </Text>
      )}
      {action && <div style={{ marginTop: '0.75rem' }}>{action}</div>}
      {children && <div className={classes.emptyMore}>{children}</div>}
    </div>
  );
}
