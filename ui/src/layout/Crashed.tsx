// A fault of the page itself, or a chunk that could not be loaded (after an update of the server).
import { Button } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { CodeBlock } from '../parts/CodeBlock';
import { EmptyState } from '../parts/EmptyState';

export function Crashed({ error }: { error: unknown }) {
  const { t } = useTranslation();
  return (
    <EmptyState
      isPage
      icon={IconAlertTriangle}
      title={t('common.crashed.title')}
      detail={t('common.crashed.detail')}
      action={<Button onClick={() => window.location.reload()}>{t('common.crashed.reload')}</Button>}
    >
      <CodeBlock label={t('common.details')} text={error instanceof Error ? error.message : String(error)} wrap />
    </EmptyState>
  );
}
