// From when and until when; short cuts for the usual ones. What is chosen stays where it was: an address can be shared.
import { Button, Group, Input, Popover, Stack, TextInput } from '@mantine/core';
import { IconCalendar } from '@tabler/icons-react';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../format';
import { fromLocal, toLocal } from './localTime';

type Range = { since?: string | undefined; until?: string | undefined };
const HOUR = 3_600_000;
const SHORT_CUTS = [
  ['lastHour', HOUR],
  ['lastDay', 24 * HOUR],
  ['lastWeek', 7 * 24 * HOUR],
] as const;

export function TimeFilter({ since, until, onChange }: Range & { onChange: (range: Range) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const id = useId();
  const words = [
    since && t('deliveries.filter.sinceShort', { when: shown(since, format.dateTime) }),
    until && t('deliveries.filter.untilShort', { when: shown(until, format.dateTime) }),
  ].filter(Boolean);
  return (
    <Input.Wrapper label={t('deliveries.filter.time')} labelElement="div" labelProps={{ id }} size="sm">
      <Popover position="bottom-start" width={280} shadow="md" trapFocus returnFocus>
        <Popover.Target>
          <Button
            variant="default"
            fullWidth
            size="sm"
            fw={400}
            justify="flex-start"
            aria-labelledby={`${id} ${id}-value`}
            leftSection={<IconCalendar size={15} aria-hidden />}
            styles={{ label: { overflow: 'hidden', textOverflow: 'ellipsis' } }}
          >
            <span id={`${id}-value`}>{words.length > 0 ? words.join(' ') : t('deliveries.filter.anyTime')}</span>
          </Button>
        </Popover.Target>
        <Popover.Dropdown aria-label={t('deliveries.filter.time')}>
          <Stack gap="sm">
            <Group gap={6}>
              {SHORT_CUTS.map(([name, ms]) => (
                <Button
                  key={name}
                  size="compact-sm"
                  variant="default"
                  onClick={() => onChange({ since: fullMinute(Date.now() - ms), until: undefined })}
                >
                  {t(`deliveries.filter.${name}`)}
                </Button>
              ))}
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => onChange({ since: undefined, until: undefined })}
              >
                {t('deliveries.filter.anyTime')}
              </Button>
            </Group>
            <TextInput
              type="datetime-local"
              label={t('deliveries.filter.since')}
              value={toLocal(since)}
              onChange={(change) => onChange({ since: fromLocal(change.currentTarget.value), until })}
            />
            <TextInput
              type="datetime-local"
              label={t('deliveries.filter.until')}
              value={toLocal(until)}
              onChange={(change) => onChange({ since, until: fromLocal(change.currentTarget.value) })}
            />
          </Stack>
        </Popover.Dropdown>
      </Popover>
    </Input.Wrapper>
  );
}

function fullMinute(ms: number): string {
  return new Date(Math.floor(ms / 60_000) * 60_000).toISOString();
}

/** What somebody typed into the address may be no time. */
function shown(time: string, print: (time: string) => string): string {
  return Number.isNaN(Date.parse(time)) ? time : print(time);
}
