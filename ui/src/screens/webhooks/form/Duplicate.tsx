// There is one already with this URL and an overlapping event.
import { Alert, Anchor } from '@mantine/core';
import { IconCopy } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';

export function Duplicate({ id }: { id: string }) {
  const { t } = useTranslation();
  return (
    <Alert
      role="alert"
      color="red"
      variant="light"
      icon={<IconCopy aria-hidden />}
      title={t('webhooks.form.duplicate.title')}
    >
      {t('webhooks.form.duplicate.detail')}{' '}
      <Anchor
        renderRoot={(props) => <Link to="/webhooks/$id" params={{ id }} {...props} />}
        underline="always"
        c="inherit"
      >
        {t('webhooks.form.duplicate.open')}
      </Anchor>
    </Alert>
  );
}
