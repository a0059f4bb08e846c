// What fails, who fails, and what is sent most.
import { Anchor, Text } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { Health, Statistics } from '../../api/queries/statistics';
import { useFormat } from '../../format';
import { EmptyState } from '../../parts/EmptyState';
import { ForeignText } from '../../parts/ForeignText';
import { RelativeTime } from '../../parts/RelativeTime';
import { StatusBadge } from '../../parts/StatusBadge';
import { errorKindWords } from '../deliveries/result';
import classes from './overview.module.css';

function Card({ title, more, children }: { title: string; more?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section className={classes.card} aria-labelledby={id}>
      <div className={classes.cardHead}>
        <h2 id={id}>{title}</h2>
        {more}
      </div>
      {children}
    </section>
  );
}

export function ErrorsByKind({ figures }: { figures: Statistics }) {
  const { t } = useTranslation();
  const format = useFormat();
  const total = figures.errors.reduce((sum, { failures }) => sum + failures, 0);
  return (
    <Card title={t('overview.errors.title')}>
      {total === 0 && <Nothing text={t('overview.errors.none')} />}
      <ul className={classes.bars}>
        {figures.errors.slice(0, 8).map(({ error_kind, failures }) => (
          <li key={error_kind}>
            <div className={classes.barText}>
              <Link
                to="/deliveries"
                search={{ error_kind, since: figures.since, until: figures.until }}
                className={classes.quietLink}
                aria-label={t('overview.errors.show', { kind: errorKindWords(error_kind, t) })}
              >
                {errorKindWords(error_kind, t)}
              </Link>
              <span className={classes.figure}>
                {t('overview.errors.share', {
                  failures: format.number(failures),
                  share: format.percent(failures / total),
                })}
              </span>
            </div>
            <div className={classes.bar} aria-hidden>
              <div style={{ width: `${Math.max(1, (100 * failures) / total)}%` }} />
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

export function WorstReceivers({ receivers }: { receivers: readonly Health[] }) {
  const { t } = useTranslation();
  const troubled = receivers.filter(({ state }) => state !== 'healthy');
  return (
    <Card
      title={t('overview.worst.title')}
      more={
        <Anchor component={Link} to="/webhooks" size="sm">
          {t('overview.worst.all')}
        </Anchor>
      }
    >
      {troubled.length === 0 && (
        <EmptyState icon={IconCircleCheck} title={t('overview.worst.none')} detail={t('overview.worst.noneDetail')} />
      )}
      <ul className={classes.rows}>
        {troubled.map((health) => (
          <Receiver key={health.subscription_id} health={health} />
        ))}
      </ul>
    </Card>
  );
}

function Receiver({ health }: { health: Health }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { subscription_id, url, state, reason, since, retry_at, attempts_last_hour, failures_last_hour } = health;
  return (
    <li className={classes.receiver}>
      <div className={classes.receiverHead}>
        <Link to="/webhooks/$id" params={{ id: subscription_id }} className={classes.quietLink}>
          <ForeignText text={url} line />
        </Link>
        <StatusBadge status={state} />
      </div>
      {reason && (
        <Text size="sm">
          <ForeignText text={reason} />
        </Text>
      )}
      <Text size="sm" c="dimmed">
        {attempts_last_hour === 0
          ? t('overview.worst.quiet')
          : t('overview.worst.failures', {
              failures: format.number(failures_last_hour),
              attempts: format.number(attempts_last_hour),
            })}
        {since && (
          <>
            {' · '}
            {t('overview.worst.since')} <RelativeTime at={since} />
          </>
        )}
        {retry_at && ` · ${t('overview.worst.retry', { when: format.relative(retry_at) })}`}
      </Text>
    </li>
  );
}

export function TopEvents({ figures }: { figures: Statistics }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Card title={t('overview.byEvent.title')}>
      {figures.by_event.length === 0 ? (
        <Nothing text={t('overview.byEvent.none')} />
      ) : (
        <table className={classes.top}>
          <thead>
            <tr>
              <th scope="col">{t('overview.byEvent.event')}</th>
              <th scope="col">{t('overview.byEvent.attempts')}</th>
              <th scope="col">{t('overview.byEvent.success')}</th>
              <th scope="col">{t('overview.byEvent.delay')}</th>
            </tr>
          </thead>
          <tbody>
            {figures.by_event.slice(0, 8).map(({ event, attempts, success_rate, delay_ms }) => (
              <tr key={event}>
                <th scope="row">
                  <Link
                    to="/deliveries"
                    search={{ event, since: figures.since, until: figures.until }}
                    className={classes.quietLink}
                  >
                    <ForeignText text={event} line />
                  </Link>
                </th>
                <td>{format.compact(attempts)}</td>
                <td>{success_rate == null ? t('common.none') : format.percent(success_rate)}</td>
                <td>{delay_ms.p95 == null ? t('common.none') : format.duration(delay_ms.p95)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}

function Nothing({ text }: { text: string }) {
  return (
    <Text c="dimmed" className={classes.nothing}>
      {text}
    </Text>
  );
}
