// Every attempt, the newest first and open.
import { Accordion, Anchor, Group, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '../../api';
import { useFormat } from '../../format';
import { CodeBlock } from '../../parts/CodeBlock';
import { Facts } from '../../parts/Facts';
import { ForeignText } from '../../parts/ForeignText';
import { RelativeTime } from '../../parts/RelativeTime';
import { StatusBadge } from '../../parts/StatusBadge';
import { HeaderTable } from './HeaderTable';
import { errorKindWords } from './result';

type Attempt = Schema<'Attempt'>;
type Props = { attempts: readonly Attempt[]; onShowRequest?: (() => void) | undefined };

export function Attempts({ attempts, onShowRequest }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const newest = [...attempts].reverse();
  // the newest until somebody chooses: then that one stays open, whatever comes
  const [chosen, setChosen] = useState<string | null>();
  if (newest[0] === undefined) return <Text c="dimmed">{t('deliveries.attempt.none')}</Text>;
  return (
    <Accordion
      variant="separated"
      value={chosen === undefined ? keyOf(newest[0]) : chosen}
      onChange={setChosen}
      order={3}
    >
      {newest.map((attempt) => (
        <Accordion.Item key={keyOf(attempt)} value={keyOf(attempt)}>
          <Accordion.Control>
            <Group gap="xs">
              <Text span fw={500}>
                {t('deliveries.attempt.name', { n: format.number(attempt.number) })}
                {attempt.generation > 0 && (
                  <Text span c="dimmed" fw={400} inherit>
                    {' '}
                    {t('deliveries.attempt.generation', { n: format.number(attempt.generation) })}
                  </Text>
                )}
              </Text>
              <StatusBadge status={attempt.error_kind ? 'failed' : 'delivered'} />
              <Text span size="sm" c="dimmed">
                {[
                  attempt.status_code && t('deliveries.http', { code: attempt.status_code }),
                  attempt.error_kind && errorKindWords(attempt.error_kind, t),
                  format.duration(attempt.duration_ms),
                ]
                  .filter(Boolean)
                  .join(' · ')}{' '}
                · <RelativeTime at={attempt.started_at} />
              </Text>
            </Group>
          </Accordion.Control>
          <Accordion.Panel>
            <OneAttempt attempt={attempt} onShowRequest={onShowRequest} />
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}

const keyOf = ({ generation, number }: Attempt) => `${generation}-${number}`;

function OneAttempt({ attempt, onShowRequest }: { attempt: Attempt } & Pick<Props, 'onShowRequest'>) {
  const { t } = useTranslation();
  const format = useFormat();
  const { status_code, error, response_headers, response_body } = attempt;
  const headers = readPairs(response_headers);
  return (
    <Stack gap="md">
      <div>
        <Title order={4} size="sm" mb={4}>
          {t('deliveries.attempt.request')}
        </Title>
        <ForeignText text={`POST ${attempt.target_url}`} mono />
        <Text size="sm" c="dimmed" mt={4}>
          {t('deliveries.attempt.notStored')}{' '}
          {onShowRequest && (
            <Anchor component="button" type="button" size="sm" underline="always" onClick={onShowRequest}>
              {t('deliveries.attempt.reconstruct')}
            </Anchor>
          )}
        </Text>
      </div>
      <div>
        <Title order={4} size="sm" mb={4}>
          {t('deliveries.attempt.response')}
        </Title>
        <Facts
          facts={[
            {
              name: t('deliveries.attempt.status'),
              value: status_code ? t('deliveries.http', { code: status_code }) : t('deliveries.attempt.noAnswer'),
            },
            { name: t('deliveries.attempt.error'), value: error && <ForeignText text={error} /> },
            { name: t('deliveries.attempt.duration'), value: format.duration(attempt.duration_ms) },
            { name: t('deliveries.attempt.started'), value: format.exact(attempt.started_at) },
          ]}
        />
      </div>
      {headers.length > 0 && (
        <div>
          <Title order={4} size="sm" mb={4}>
            {t('deliveries.attempt.headers')}
          </Title>
          <HeaderTable label={t('deliveries.attempt.headers')} headers={headers} />
        </div>
      )}
      {status_code && (
        <div>
          <Title order={4} size="sm" mb={4}>
            {t('deliveries.attempt.body')}
            {attempt.response_body_truncated && (
              <Text span c="dimmed" size="sm" fw={400}>
                {' '}
                ({t('deliveries.attempt.truncated')})
              </Text>
            )}
          </Title>
          {response_body ? (
            <CodeBlock label={t('deliveries.attempt.body')} text={response_body} language="json" wrap />
          ) : (
            <Text size="sm" c="dimmed">
              {t('deliveries.attempt.emptyBody')}
            </Text>
          )}
        </div>
      )}
    </Stack>
  );
}

/** The document says no more of them than that they are pairs. */
function readPairs(said: unknown): { name: string; value: string }[] {
  if (!Array.isArray(said)) return [];
  return said.filter(Array.isArray).map(([name, value]) => ({ name: String(name), value: String(value) }));
}
