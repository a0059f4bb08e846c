// One entry: who, when, and what was and is now.
import { Button, Drawer, Group, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { AuditEntry } from '../../api/queries/auditLog';
import { useFormat } from '../../format';
import { CodeBlock } from '../../parts/CodeBlock';
import { Facts, IdWithCopy } from '../../parts/Facts';
import { ForeignText } from '../../parts/ForeignText';
import { Changes } from './Changes';
import { fieldChanges } from './changes';
import { useAuditWords } from './words';

type Props = { entry: AuditEntry | null; onClose: () => void; onOnly: (target: string) => void };

export function EntryDrawer({ entry, onClose, onOnly }: Props) {
  return (
    <Drawer.Root opened={entry !== null} onClose={onClose} position="right" size={640}>
      <Drawer.Overlay backgroundOpacity={0.35} />
      <Drawer.Content>{entry !== null && <Inside entry={entry} onOnly={onOnly} />}</Drawer.Content>
    </Drawer.Root>
  );
}

function Inside({ entry, onOnly }: { entry: AuditEntry; onOnly: (target: string) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const words = useAuditWords();
  const { action, actor, created_at, target_id, changes, details } = entry;
  const fields = fieldChanges(changes);
  return (
    <>
      <Drawer.Header>
        <Drawer.Title fw={600} fz="lg">
          <ForeignText text={words.what(action)} />
        </Drawer.Title>
        <Drawer.CloseButton aria-label={t('common.close')} />
      </Drawer.Header>
      <Drawer.Body>
        <Stack gap="lg">
          <Facts
            facts={[
              { name: t('auditLog.drawer.who'), value: <ForeignText text={words.who(actor)} /> },
              { name: t('auditLog.drawer.when'), value: format.exact(created_at) },
              { name: t('auditLog.drawer.action'), value: <ForeignText text={action} mono /> },
              {
                name: t('auditLog.drawer.target'),
                value: <IdWithCopy id={target_id} label={`${t('common.copy')}: ${t('auditLog.drawer.target')}`} />,
              },
            ]}
          />
          <Group gap="xs">
            <TargetLink entry={entry} />
            <Button variant="default" size="compact-sm" onClick={() => onOnly(target_id)}>
              {t('auditLog.drawer.only')}
            </Button>
          </Group>
          {fields.length > 0 && (
            <section>
              <Title order={3} mb={8}>
                {t('auditLog.drawer.changes')}
              </Title>
              <Changes changes={fields} />
              {fields.some(({ before, after }) => before === '***' || after === '***') && (
                <Text size="sm" c="dimmed" mt="sm">
                  {t('auditLog.drawer.secret')}
                </Text>
              )}
            </section>
          )}
          {details !== null && details !== undefined && (
            <section>
              <Title order={3} mb={8}>
                {t('auditLog.drawer.details')}
              </Title>
              <CodeBlock label={t('auditLog.drawer.details')} json={details} />
            </section>
          )}
          {fields.length === 0 && (details === null || details === undefined) && (
            <Text c="dimmed">{t('auditLog.drawer.none')}</Text>
          )}
        </Stack>
      </Drawer.Body>
    </>
  );
}

/** To the thing, where this page has a place for it. */
function TargetLink({ entry: { action, target_type, target_id } }: { entry: AuditEntry }) {
  const { t } = useTranslation();
  const words = t('auditLog.drawer.open');
  if (action.endsWith('.deleted')) return null;
  switch (target_type) {
    case 'subscription':
      return (
        <Button
          variant="default"
          size="compact-sm"
          renderRoot={(props) => <Link to="/webhooks/$id" params={{ id: target_id }} {...props} />}
        >
          {words}
        </Button>
      );
    case 'event_type':
      return (
        <Button
          variant="default"
          size="compact-sm"
          renderRoot={(props) => <Link to="/event-types" search={{ type: target_id }} {...props} />}
        >
          {words}
        </Button>
      );
    case 'job':
      return (
        <Button
          variant="default"
          size="compact-sm"
          renderRoot={(props) => <Link to="/jobs" search={{ job: target_id }} {...props} />}
        >
          {words}
        </Button>
      );
    case 'delivery':
      return (
        <Button
          variant="default"
          size="compact-sm"
          renderRoot={(props) => <Link to="/deliveries" search={{ delivery: target_id }} {...props} />}
        >
          {words}
        </Button>
      );
    case 'event':
      return (
        <Button
          variant="default"
          size="compact-sm"
          renderRoot={(props) => <Link to="/events" search={{ id: target_id }} {...props} />}
        >
          {words}
        </Button>
      );
    default:
      return null;
  }
}
