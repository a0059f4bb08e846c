// The events wanted: the catalogue by group with "select all", and patterns of one's own.
import { ActionIcon, Button, Checkbox, Group, Input, Skeleton, Text, TextInput } from '@mantine/core';
import { IconPlus, IconSearch, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type EventGroup, isWanted, useEventCatalogue } from '../../../api/queries/eventCatalogue';
import { ForeignText } from '../../../parts/ForeignText';
import { ProblemAlert } from '../../../parts/ProblemAlert';
import classes from './form.module.css';
import { isEvent } from './rules';
import { useForm } from './state';

export function EventsField() {
  const { t } = useTranslation();
  const { values, set, errorOf } = useForm();
  const catalogue = useEventCatalogue();
  const [search, setSearch] = useState('');
  const chosen = values.events;
  const typed = search.trim().toLowerCase();
  const canAdd = typed !== '' && isEvent(typed) && !chosen.includes(typed);
  const add = () => {
    if (!canAdd) return;
    set('events', [...chosen, typed]);
    setSearch('');
  };
  const groups = matching(catalogue.data?.data ?? [], typed);
  const hasNoMatch = typed !== '' && groups.length === 0 && !isEvent(typed);
  return (
    <Input.Wrapper
      label={t('webhooks.form.events.label')}
      description={t('webhooks.form.events.help')}
      error={errorOf('events')}
      withAsterisk
      labelElement="div"
    >
      <div
        className={classes.events}
        id="field-events"
        tabIndex={-1}
        role="group"
        aria-label={t('webhooks.form.events.label')}
      >
        {chosen.length > 0 && (
          <ul className={classes.chosen} aria-label={t('webhooks.form.events.chosen')}>
            {chosen.map((event) => (
              <li key={event}>
                <bdi>{event}</bdi>
                <ActionIcon
                  size="xs"
                  variant="subtle"
                  color="gray"
                  aria-label={t('webhooks.form.events.remove', { event })}
                  onClick={() => set('events', without(chosen, [event]))}
                >
                  <IconX size={12} aria-hidden />
                </ActionIcon>
              </li>
            ))}
          </ul>
        )}
        <Group gap="xs" align="flex-start" className={classes.search}>
          <TextInput
            flex={1}
            aria-label={t('webhooks.form.events.search')}
            placeholder={t('webhooks.form.events.search')}
            leftSection={<IconSearch size={15} aria-hidden />}
            value={search}
            error={hasNoMatch ? t('webhooks.rules.event') : undefined}
            spellCheck={false}
            onChange={(change) => setSearch(change.currentTarget.value)}
            onKeyDown={(key) => {
              if (key.key !== 'Enter') return;
              // would send the form
              key.preventDefault();
              add();
            }}
          />
          <Button variant="default" leftSection={<IconPlus size={15} aria-hidden />} disabled={!canAdd} onClick={add}>
            {t('webhooks.form.events.add')}
          </Button>
        </Group>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <section className={classes.groups} tabIndex={0} aria-label={t('webhooks.form.events.catalogue')}>
          {catalogue.error && <ProblemAlert error={catalogue.error} onRetry={catalogue.refetch} />}
          {catalogue.isPending && <Skeleton height={120} />}
          {typed === '' && (
            <Checkbox
              className={classes.everything}
              label={t('webhooks.form.events.all')}
              checked={chosen.includes('*')}
              onChange={(change) => set('events', change.currentTarget.checked ? ['*'] : without(chosen, ['*']))}
            />
          )}
          {groups.map((group) => (
            <Types key={group.group} group={group} />
          ))}
          {catalogue.data && groups.length === 0 && (
            <Text c="dimmed" size="sm">
              {t('webhooks.form.events.none')}
            </Text>
          )}
        </section>
      </div>
    </Input.Wrapper>
  );
}

function Types({ group: { group, types } }: { group: EventGroup }) {
  const { t } = useTranslation();
  const { values, set } = useForm();
  const chosen = values.events;
  const names = types.map(({ name }) => name);
  const coverOf = (name: string) => chosen.find((one) => one !== name && isWanted(one, name));
  const wanted = names.filter((name) => chosen.includes(name) || coverOf(name) !== undefined);
  const free = names.filter((name) => coverOf(name) === undefined);
  const isAll = wanted.length === names.length;
  const toggle = (those: readonly string[], on: boolean) =>
    set('events', on ? [...new Set([...chosen, ...those])] : without(chosen, those));
  return (
    <fieldset className={classes.group}>
      <legend className="visually-hidden">
        <bdi>{group}</bdi>
      </legend>
      <div className={classes.groupHead}>
        <Checkbox
          fw={600}
          label={<bdi dir="auto">{group}</bdi>}
          aria-label={t('webhooks.form.events.allOf', { group })}
          checked={isAll}
          indeterminate={!isAll && wanted.length > 0}
          disabled={free.length === 0}
          onChange={() => toggle(free, !isAll)}
        />
        <Button variant="subtle" size="compact-xs" disabled={free.length === 0} onClick={() => toggle(free, !isAll)}>
          {t(isAll ? 'webhooks.form.events.selectNone' : 'webhooks.form.events.selectAll')}
          <span className="visually-hidden"> ({group})</span>
        </Button>
      </div>
      <div className={classes.types}>
        {types.map(({ name, description, is_deprecated }) => {
          const cover = coverOf(name);
          const about = cover ? t('webhooks.form.events.covered', { pattern: cover }) : description;
          return (
            <Checkbox
              key={name}
              label={<span className={classes.typeName}>{name}</span>}
              description={
                <ForeignText text={is_deprecated ? `${t('webhooks.form.events.deprecated')} ${about}` : about} />
              }
              checked={cover !== undefined || chosen.includes(name)}
              disabled={cover !== undefined}
              onChange={(change) => toggle([name], change.currentTarget.checked)}
            />
          );
        })}
      </div>
    </fieldset>
  );
}

function matching(groups: readonly EventGroup[], typed: string): EventGroup[] {
  if (typed === '') return [...groups];
  const isMatch = (text: string) => text.toLowerCase().includes(typed);
  return groups
    .map(({ group, types }) => ({
      group,
      types: isMatch(group)
        ? types
        : types.filter(({ name, description }) => isMatch(name) || isMatch(description) || isWanted(typed, name)),
    }))
    .filter(({ types }) => types.length > 0);
}

const without = (all: readonly string[], those: readonly string[]) => all.filter((one) => !those.includes(one));
