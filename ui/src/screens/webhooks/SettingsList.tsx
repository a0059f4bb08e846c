// What a webhook is set to, to read: what is as the server has it is left out but for the main things.
import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { SubscriptionRecord } from '../../api/queries/subscriptions';
import { useFormat } from '../../format';
import { CodeBlock } from '../../parts/CodeBlock';
import { CopyButton } from '../../parts/CopyButton';
import { IdWithCopy } from '../../parts/Facts';
import { ForeignText } from '../../parts/ForeignText';
import { RelativeTime } from '../../parts/RelativeTime';
import { formatDelays } from './form/delays';
import { FORMATS } from './form/values';
import classes from './webhooks.module.css';

export function SettingsList({ webhook }: { webhook: SubscriptionRecord }) {
  const { t } = useTranslation();
  const format = useFormat();
  const isSigned = webhook.signing === 'required';
  const number = (value: number | null | undefined) => (typeof value === 'number' ? format.number(value) : null);
  const seconds = (value: number | null | undefined) =>
    typeof value === 'number' ? format.duration(value * 1000) : null;
  const formatName = FORMATS.find((one) => one === webhook.payload_format);
  const hasMetadata = webhook.metadataText !== '';
  return (
    <dl className={classes.facts}>
      <Fact name={t('webhooks.form.events.label')}>
        <div className={classes.events}>
          {webhook.events.map((event) => (
            <bdi key={event} className={classes.event}>
              {event}
            </bdi>
          ))}
        </div>
      </Fact>
      <Fact name={t('webhooks.form.filter.label')}>{webhook.filter && <ForeignText mono text={webhook.filter} />}</Fact>
      <Fact name={t('webhooks.form.signing.label')}>
        {t(`webhooks.form.signing.${isSigned ? (webhook.signature === 'ed25519' ? 'ed25519' : 'hmac') : 'none'}`)}
        {isSigned && (
          <Text size="sm" c="dimmed">
            {webhook.header_families.join(', ')}
          </Text>
        )}
        {webhook.previous_secret_until && (
          <Text size="sm" c="dimmed">
            {t('webhooks.panel.previousSecret')} <RelativeTime at={webhook.previous_secret_until} withExact />
          </Text>
        )}
      </Fact>
      <Fact name={t('webhooks.form.publicKey')}>
        {webhook.public_key && (
          <>
            <ForeignText mono text={webhook.public_key} /> <CopyButton text={webhook.public_key} />
          </>
        )}
      </Fact>
      <Fact name={t('webhooks.form.headers.label')}>
        {Object.keys(webhook.headers).length > 0 && <ForeignText mono text={Object.keys(webhook.headers).join(', ')} />}
      </Fact>
      <Fact name={t('webhooks.form.credentials.label')}>
        {webhook.credentials_type &&
          t(`webhooks.form.credentials.${webhook.credentials_type === 'basic' ? 'basic' : 'bearer'}`)}
      </Fact>
      <Fact name={t('webhooks.form.certificate.label')}>
        {webhook.client_certificate && t('webhooks.form.certificate.isSet')}
      </Fact>
      <Fact name={t('webhooks.form.payload_format.label')}>
        {formatName ? t(`webhooks.form.payload_format.${formatName}`) : webhook.payload_format}
      </Fact>
      <Fact name={t('webhooks.form.success.label')}>
        {webhook.success_codes?.join(', ') ??
          t(`webhooks.form.success.${webhook.success_policy === 'gestiq' ? 'gestiq' : 'standard'}`)}
      </Fact>
      <Fact name={t('webhooks.form.timeout_seconds.label')}>{seconds(webhook.timeout_seconds)}</Fact>
      <Fact name={t('webhooks.form.retry_schedule.label')}>
        {webhook.retry_schedule && (formatDelays(webhook.retry_schedule) || t('webhooks.form.retry.never'))}
      </Fact>
      <Fact name={t('webhooks.form.max_retries.label')}>{number(webhook.max_retries)}</Fact>
      <Fact name={t('webhooks.form.max_in_flight.label')}>{number(webhook.max_in_flight)}</Fact>
      <Fact name={t('webhooks.form.rate_per_second.label')}>{number(webhook.rate_per_second)}</Fact>
      <Fact name={t('webhooks.form.rate_burst.label')}>{number(webhook.rate_burst)}</Fact>
      <Fact name={t('webhooks.form.ordered.label')}>{webhook.ordered && t('webhooks.panel.yes')}</Fact>
      <Fact name={t('webhooks.form.batch_max.label')}>{number(webhook.batch_max)}</Fact>
      <Fact name={t('webhooks.form.batch_wait_ms.label')}>
        {webhook.batch_wait_ms > 0 && format.duration(webhook.batch_wait_ms)}
      </Fact>
      <Fact name={t('webhooks.form.circuit_failures.label')}>{number(webhook.circuit_failures)}</Fact>
      <Fact name={t('webhooks.form.circuit_failure_ratio.label')}>{number(webhook.circuit_failure_ratio)}</Fact>
      <Fact name={t('webhooks.form.circuit_seconds.label')}>{seconds(webhook.circuit_seconds)}</Fact>
      <Fact name={t('webhooks.form.suspend_after_seconds.label')}>{seconds(webhook.suspend_after_seconds)}</Fact>
      <Fact name={t('webhooks.form.metadata.label')}>
        {hasMetadata && (
          <CodeBlock label={t('webhooks.form.metadata.label')} text={webhook.metadataText} language="json" />
        )}
      </Fact>
      <Fact name={t('webhooks.panel.created')}>
        <RelativeTime at={webhook.created_at} withExact />
      </Fact>
      <Fact name={t('webhooks.panel.changed')}>
        <RelativeTime at={webhook.updated_at} withExact />
      </Fact>
      <Fact name={t('webhooks.panel.id')}>
        <IdWithCopy id={webhook.id} label={`${t('common.copy')}: ${t('webhooks.panel.id')}`} />
      </Fact>
    </dl>
  );
}

/** Nothing for what is not set. */
function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (children === null || children === undefined || children === false || children === '') return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
