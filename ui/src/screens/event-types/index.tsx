// The catalogue of event types in its groups; one in a drawer, with its schema and example.
import { Button, Drawer, SegmentedControl, Skeleton, Stack, TextInput } from '@mantine/core';
import { IconPlus, IconSearch, IconTags } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type EventGroup, useEventCatalogue } from '../../api/queries/eventCatalogue';
import type { EventType } from '../../api/queries/eventTypes';
import { EmptyState } from '../../parts/EmptyState';
import { ForeignText } from '../../parts/ForeignText';
import { PageHeader } from '../../parts/PageHeader';
import { ProblemAlert } from '../../parts/ProblemAlert';
import { Allowed, useSession } from '../../session/useSession';
import { EventTypeDetails } from './EventTypeDetails';
import { EventTypeForm } from './EventTypeForm';
import classes from './eventTypes.module.css';
import { Marks } from './Marks';
import type { EventTypeSearch } from './search';

const route = getRouteApi('/event-types');

export default function EventTypes() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const change = (to: EventTypeSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...to }), replace, resetScroll: false });
  const { data, error, refetch } = useEventCatalogue();
  const [typed, setTyped] = useState(search.q ?? '');
  const isOwn = search.which === 'own';
  const shown = data && matching(data.data, typed, isOwn);
  const { can } = useSession();
  const isEdited = search.edit !== undefined && can('manage');
  const create = () => change({ edit: 'new', type: undefined });
  return (
    <>
      <PageHeader
        title={t('eventTypes.title')}
        lead={t('eventTypes.lead')}
        actions={
          <Allowed to="manage">
            <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={create}>
              {t('eventTypes.create')}
            </Button>
          </Allowed>
        }
      />
      <search className={classes.filters}>
        <TextInput
          aria-label={t('eventTypes.search')}
          placeholder={t('eventTypes.searchHint')}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            change({ q: event.currentTarget.value || undefined }, true);
          }}
        />
        <SegmentedControl
          size="sm"
          aria-label={t('eventTypes.show')}
          value={isOwn ? 'own' : 'all'}
          data={(['all', 'own'] as const).map((value) => ({ value, label: t(`eventTypes.which.${value}`) }))}
          onChange={(value) => change({ which: value === 'own' ? value : undefined }, true)}
        />
      </search>
      <ProblemAlert error={error} onRetry={() => void refetch()} />
      {shown === undefined && !error && <Loading />}
      {shown?.length === 0 && (
        <div className={classes.group}>
          {isOwn && typed === '' ? (
            <EmptyState
              icon={IconTags}
              title={t('eventTypes.noOwn')}
              detail={t('eventTypes.noOwnDetail')}
              action={
                <Allowed to="manage">
                  <Button variant="default" onClick={create}>
                    {t('eventTypes.create')}
                  </Button>
                </Allowed>
              }
            />
          ) : (
            <EmptyState icon={IconSearch} title={t('eventTypes.nothing')} detail={t('eventTypes.nothingDetail')} />
          )}
        </div>
      )}
      <Stack gap="lg">
        {shown?.map((group, at) => (
          <Group
            key={group.group}
            id={`group-of-types-${at}`}
            group={group}
            onOpen={(name) => change({ type: name })}
          />
        ))}
      </Stack>
      <Drawer.Root
        opened={search.type !== undefined || isEdited}
        onClose={() => change({ type: undefined, edit: undefined })}
        position="right"
        size={640}
      >
        <Drawer.Overlay backgroundOpacity={0.35} />
        <Drawer.Content>
          {isEdited ? (
            <EventTypeForm
              key={`${search.edit}/${search.type}`}
              name={search.type}
              onDone={(name) => change({ edit: undefined, type: name }, true)}
            />
          ) : (
            search.type !== undefined && (
              <EventTypeDetails
                key={search.type}
                name={search.type}
                onEdit={() => change({ edit: 'own' })}
                onGone={() => change({ type: undefined }, true)}
              />
            )
          )}
        </Drawer.Content>
      </Drawer.Root>
    </>
  );
}

function Group({ id, group, onOpen }: { id: string; group: EventGroup; onOpen: (name: string) => void }) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id} className={classes.heading}>
        <ForeignText text={group.group} />
        <span className={classes.count}>{group.types.length}</span>
      </h2>
      <ul className={classes.group}>
        {group.types.map((type) => (
          <li key={type.name} className={classes.type}>
            <button type="button" className={classes.open} onClick={() => onOpen(type.name)}>
              <ForeignText text={type.name} mono />
            </button>
            <span className={classes.description}>
              <ForeignText text={type.description} line />
            </span>
            <Marks type={type} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Loading() {
  const { t } = useTranslation();
  return (
    <Stack gap="sm" aria-busy>
      <span className="visually-hidden">{t('common.loading')}</span>
      <Skeleton height={18} width={140} />
      <Skeleton height={150} radius="lg" />
      <Skeleton height={18} width={120} mt="md" />
      <Skeleton height={190} radius="lg" />
    </Stack>
  );
}

function matching(groups: readonly EventGroup[], typed: string, isOwn: boolean): EventGroup[] {
  const wanted = typed.trim().toLowerCase();
  const fits = ({ name, description, is_own }: EventType) =>
    (!isOwn || is_own) && (name.includes(wanted) || description.toLowerCase().includes(wanted));
  return groups
    .map(({ group, types }) => ({ group, types: types.filter(fits) }))
    .filter(({ types }) => types.length > 0);
}
