import { Button } from '@mantine/core';
import { IconMapOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { EmptyState } from '../parts/EmptyState';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <EmptyState
      isPage
      icon={IconMapOff}
      title={t('common.notFound.title')}
      detail={t('common.notFound.detail')}
      action={
        <Button component={Link} to="/">
          {t('common.notFound.home')}
        </Button>
      }
    />
  );
}
