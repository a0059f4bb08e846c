// For newcomers: what to do until the first delivery is made.
import { Button, Text, Title } from '@mantine/core';
import { IconCheck, IconPlus } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CodeBlock } from '../../parts/CodeBlock';
import { useSession } from '../../session/useSession';
import { publishLine } from '../event-types/publishLine';
import classes from './overview.module.css';

export function FirstSteps({ hasWebhook }: { hasWebhook: boolean }) {
  const { t } = useTranslation();
  const { can, tenant } = useSession();
  const publish = publishLine(tenant?.id ?? '', 'invoice.paid', null);
  return (
    <section className={classes.start} aria-labelledby="first-steps">
      <Title order={2} id="first-steps">
        {t('overview.start.title')}
      </Title>
      <ol className={classes.steps}>
        <Step number={1} isDone={hasWebhook} title={t('overview.start.webhook')}>
          <Text c="dimmed">{hasWebhook ? t('overview.start.webhookDone') : t('overview.start.webhookDetail')}</Text>
          {!hasWebhook && can('manage') && (
            <Button component={Link} to="/webhooks/new" mt="sm" leftSection={<IconPlus size={16} aria-hidden />}>
              {t('overview.start.webhookAction')}
            </Button>
          )}
          {!hasWebhook && !can('manage') && <Text mt={4}>{t('overview.start.webhookForbidden')}</Text>}
        </Step>
        <Step number={2} isDone={false} title={t('overview.start.publish')}>
          <Text c="dimmed" mb="sm">
            {t('overview.start.publishDetail')}
          </Text>
          <CodeBlock label={t('overview.start.publish')} text={publish} wrap />
          <Text c="dimmed" mt="sm">
            {t('overview.start.publishMore')}
          </Text>
        </Step>
      </ol>
    </section>
  );
}

type StepProps = { number: number; isDone: boolean; title: string; children: ReactNode };

function Step({ number, isDone, title, children }: StepProps) {
  const { t } = useTranslation();
  return (
    <li className={classes.step} data-done={isDone || undefined}>
      <span className={classes.stepNumber} aria-hidden>
        {isDone ? <IconCheck size={16} stroke={2.4} /> : number}
      </span>
      <div className={classes.stepBody}>
        <h3>
          {title}
          {isDone && <span className="visually-hidden"> ({t('overview.start.doneMark')})</span>}
        </h3>
        {children}
      </div>
    </li>
  );
}
