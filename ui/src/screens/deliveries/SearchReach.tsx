// How far a bounded search came.
import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Schema } from '../../api';
import { useFormat } from '../../format';

export function SearchReach({ search }: { search: Schema<'Search'> | null | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (!search?.looked_back_to || search.is_complete) return null;
  const n = format.number(search.events_looked_at);
  return (
    <Text size="sm" c="dimmed" mt="xs" role="status">
      {t('deliveries.search.looked', {
        count: search.events_looked_at,
        n,
        when: format.dateTime(search.looked_back_to),
      })}{' '}
      {t('deliveries.search.partly')}
    </Text>
  );
}
