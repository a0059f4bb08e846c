// What is special about an event type, as small words beside its name.
import { Badge, Group } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { EventType } from '../../api/queries/eventTypes';

export function Marks({
  type,
}: {
  type: Pick<EventType, 'is_own' | 'is_strict' | 'is_deprecated' | 'has_json_schema'>;
}) {
  const { t } = useTranslation();
  const marks: [boolean, string, string][] = [
    [type.is_own, t('eventTypes.own'), 'ink'],
    [type.is_strict, t('eventTypes.strict'), 'teal'],
    [type.has_json_schema && !type.is_strict, t('eventTypes.schema'), 'gray'],
    [type.is_deprecated, t('eventTypes.deprecated'), 'yellow'],
  ];
  return (
    <Group gap={6} wrap="wrap">
      {marks
        .filter(([holds]) => holds)
        .map(([, words, color]) => (
          <Badge key={words} variant="light" color={color} radius="sm" tt="none" fw={500}>
            {words}
          </Badge>
        ))}
    </Group>
  );
}
