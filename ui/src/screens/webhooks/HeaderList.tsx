// Headers of a request or an answer.
import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Schema } from '../../api';
import { ForeignText } from '../../parts/ForeignText';
import classes from './webhooks.module.css';

export function HeaderList({ headers }: { headers: readonly Schema<'Header'>[] }) {
  const { t } = useTranslation();
  if (headers.length === 0) return <Text c="dimmed">{t('webhooks.test.noHeaders')}</Text>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={classes.headers} tabIndex={0} aria-label={t('webhooks.test.headers')}>
      <dl>
        {headers.map(({ name, value }, at) => (
          <div key={`${name}${at}`}>
            <dt>
              <bdi>{name}</bdi>
            </dt>
            <dd>
              <ForeignText text={value} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
