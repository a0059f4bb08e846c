// Title of a screen, what it is about, and its main buttons.
import { Group, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import classes from './parts.module.css';

type Props = {
  title: string;
  lead?: ReactNode;
  /** Beside the title, such as a StatusBadge. */
  badge?: ReactNode;
  /** Buttons; keep the primary one last. */
  actions?: ReactNode;
};

export function PageHeader({ title, lead, badge, actions }: Props) {
  useDocumentTitle(`${title} · Posthorn`);
  return (
    <header className={classes.header}>
      <div className={classes.headerText}>
        <Group gap="sm">
          <Title order={1}>
            <bdi>{title}</bdi>
          </Title>
          {badge}
        </Group>
        {lead && (
          <Text component="div" c="dimmed" size="md" mt={2}>
            {lead}
          </Text>
        )}
      </div>
      {actions && <Group gap="xs">{actions}</Group>}
    </header>
  );
}
