// Chooses the time that is shown; it stands in the address, so that a link shows the same.
import { Button, Group, Popover, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { IconCalendar } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../format';
import { toLocal } from '../filters/localTime';
import { LENGTHS, type Length, LONGEST, type OverviewSearch } from './search';

type Props = { search: OverviewSearch; onChange: (search: OverviewSearch) => void };

export function RangePicker({ search, onChange }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const [isOpen, setIsOpen] = useState(false);
  const isCustom = search.since !== undefined;
  const lengths = Object.keys(LENGTHS) as Length[];
  return (
    <Group gap="xs">
      <SegmentedControl
        size="sm"
        aria-label={t('overview.range.label')}
        value={isCustom ? '' : (search.range ?? '24h')}
        data={lengths.map((value) => ({ value, label: t(`overview.range.${value}`) }))}
        onChange={(value) => onChange({ range: lengths.find((one) => one === value) })}
      />
      <Popover opened={isOpen} onChange={setIsOpen} position="bottom-end" width={260} shadow="md" trapFocus returnFocus>
        <Popover.Target>
          <Button
            size="sm"
            variant={isCustom ? 'light' : 'default'}
            leftSection={<IconCalendar size={16} stroke={1.7} aria-hidden />}
            onClick={() => setIsOpen(!isOpen)}
          >
            {search.since === undefined
              ? t('overview.range.custom')
              : t('overview.range.shown', {
                  since: format.dateTime(search.since),
                  until: search.until ? format.dateTime(search.until) : t('overview.tiles.now'),
                })}
          </Button>
        </Popover.Target>
        <Popover.Dropdown aria-label={t('overview.range.custom')}>
          <CustomRange
            search={search}
            onChange={(next) => {
              setIsOpen(false);
              onChange(next);
            }}
          />
        </Popover.Dropdown>
      </Popover>
    </Group>
  );
}

function CustomRange({ search, onChange }: Props) {
  const { t } = useTranslation();
  const [since, setSince] = useState(toLocal(search.since));
  const [until, setUntil] = useState(toLocal(search.until));
  const [isChecked, setIsChecked] = useState(false);
  const from = Date.parse(since);
  const to = until === '' ? Date.now() : Date.parse(until);
  const errors = {
    since: since === '' ? t('overview.range.needed') : to - from > LONGEST ? t('overview.range.tooLong') : null,
    until: since !== '' && from >= to ? t('overview.range.order') : null,
  };
  const apply = (submit: FormEvent) => {
    submit.preventDefault();
    setIsChecked(true);
    if (errors.since !== null || errors.until !== null) return;
    onChange({ since: new Date(from).toISOString(), until: until === '' ? undefined : new Date(to).toISOString() });
  };
  return (
    <form onSubmit={apply} noValidate>
      <Stack gap="sm">
        <TextInput
          type="datetime-local"
          label={t('overview.range.since')}
          value={since}
          error={isChecked && errors.since}
          onChange={(change) => setSince(change.currentTarget.value)}
        />
        <TextInput
          type="datetime-local"
          label={t('overview.range.until')}
          description={t('overview.range.untilHint')}
          value={until}
          error={isChecked && errors.until}
          onChange={(change) => setUntil(change.currentTarget.value)}
        />
        <Button type="submit" size="sm">
          {t('overview.range.apply')}
        </Button>
      </Stack>
    </form>
  );
}
