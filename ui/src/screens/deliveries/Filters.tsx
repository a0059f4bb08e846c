// The filters above the list; the rarer ones are folded away until they are used.
import { Button, Select } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { IconAdjustmentsHorizontal, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useEventNames } from '../../api/queries/events';
import { useKnownSubscriptions } from '../../api/queries/subscriptions';
import { useFormat } from '../../format';
import { en } from '../../i18n/en';
import classes from '../../parts/live.module.css';
import { TextFilter } from '../filters/TextFilter';
import { TimeFilter } from '../filters/TimeFilter';
import { type DeliverySearch, FILTERS, type FilterName, namesInUse } from './search';

export const STATUSES = ['pending', 'sending', 'retrying', 'delivered', 'failed', 'abandoned', 'cancelled'] as const;
const KINDS = Object.keys(en.deliveries.errorKind) as (keyof typeof en.deliveries.errorKind)[];
const RARE: readonly FilterName[] = [
  'error_kind',
  'status_code',
  'resource_type',
  'resource_id',
  'payload',
  'event_id',
];

type Props = {
  search: DeliverySearch;
  onChange: (change: DeliverySearch) => void;
  /** By the API's name of the field. */
  errors: Record<string, string>;
};

export function Filters({ search, onChange, errors }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const isNarrow = useMediaQuery('(max-width: 48em)', window.innerWidth <= 768, { getInitialValueInEffect: false });
  const inUse = namesInUse(search);
  const [isOpen, { toggle }] = useDisclosure(inUse.some((name) => RARE.includes(name)));
  const names = useEventNames();
  const text = (name: FilterName) => ({
    value: search[name],
    onChange: (value: string | undefined) => onChange({ [name]: value }),
    error: errors[name],
  });
  const words = isNarrow
    ? inUse.length > 0
      ? t('deliveries.filter.count', { n: format.number(inUse.length) })
      : t('deliveries.filter.label')
    : t(isOpen ? 'deliveries.filter.hide' : 'deliveries.filter.show');
  return (
    <search className={classes.filters} aria-label={t('deliveries.filter.label')}>
      {(!isNarrow || isOpen) && (
        <>
          <Select
            size="sm"
            label={t('deliveries.filter.status')}
            placeholder={t('deliveries.filter.anyStatus')}
            data={STATUSES.map((value) => ({ value, label: t(`common.status.${value}`) }))}
            value={search.status?.toLowerCase() ?? null}
            onChange={(status) => onChange({ status: status ?? undefined })}
            clearable
            clearButtonProps={{ 'aria-label': t('deliveries.filter.clear') }}
            error={errors.status}
          />
          <TextFilter
            label={t('deliveries.filter.event')}
            placeholder={t('deliveries.filter.anyEvent')}
            choices={names}
            {...text('event')}
          />
          <WebhookSelect
            label={t('deliveries.filter.webhook')}
            placeholder={t('deliveries.filter.anyWebhook')}
            value={search.subscription_id}
            onChange={(subscription_id) => onChange({ subscription_id })}
            error={errors.subscription_id}
          />
          <TimeFilter since={search.since} until={search.until} onChange={onChange} />
        </>
      )}
      {isOpen && (
        <>
          <Select
            size="sm"
            label={t('deliveries.filter.errorKind')}
            placeholder={t('deliveries.filter.anyError')}
            data={KINDS.map((value) => ({ value, label: t(`deliveries.errorKind.${value}`) }))}
            value={search.error_kind ?? null}
            onChange={(kind) => onChange({ error_kind: kind ?? undefined })}
            searchable
            clearable
            clearButtonProps={{ 'aria-label': t('deliveries.filter.clear') }}
            error={errors.error_kind}
          />
          <TextFilter
            label={t('deliveries.filter.statusCode')}
            placeholder="503"
            inputMode="numeric"
            {...text('status_code')}
          />
          <TextFilter label={t('deliveries.filter.resourceType')} placeholder="invoice" {...text('resource_type')} />
          <TextFilter
            label={t('deliveries.filter.resourceId')}
            placeholder="4711"
            {...text('resource_id')}
            {...(search.resource_type && !search.resource_id && { error: t('deliveries.filter.resourceNeedsId') })}
          />
          <TextFilter label={t('deliveries.filter.payload')} placeholder="$.amount > 100" mono {...text('payload')} />
          <TextFilter label={t('deliveries.filter.eventId')} mono {...text('event_id')} />
        </>
      )}
      <div className={classes.filterFoot} data-beside={(!isNarrow && !isOpen) || undefined}>
        <Button
          size="compact-sm"
          variant="subtle"
          color="gray"
          aria-expanded={isOpen}
          leftSection={<IconAdjustmentsHorizontal size={15} aria-hidden />}
          onClick={toggle}
        >
          {words}
        </Button>
        {inUse.length > 0 && (
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            leftSection={<IconX size={14} aria-hidden />}
            onClick={() => onChange(Object.fromEntries(FILTERS.map((name) => [name, undefined])))}
          >
            {t('deliveries.filter.clear')}
          </Button>
        )}
      </div>
    </search>
  );
}

type WebhookProps = {
  label: string;
  placeholder: string;
  value: string | undefined;
  onChange: (id: string | undefined) => void;
  error?: string;
  required?: boolean;
};

/** One of the tenant's webhooks, found by its address or description. */
export function WebhookSelect({ value, onChange, required = false, ...rest }: WebhookProps) {
  const { t } = useTranslation();
  const { data } = useKnownSubscriptions();
  const known = data?.data.map(({ id, url, description }) => ({
    value: id,
    label: description ? `${url} · ${description}` : url,
  }));
  const choices = known ?? [];
  // one that was deleted, or is not among the newest 500, is shown by its id
  if (value && !choices.some((one) => one.value === value)) choices.push({ value, label: value });
  return (
    <Select
      {...rest}
      size="sm"
      data={choices}
      value={value ?? null}
      onChange={(id) => onChange(id ?? undefined)}
      required={required}
      searchable
      clearable={!required}
      clearButtonProps={{ 'aria-label': t('deliveries.filter.clear') }}
      comboboxProps={{ width: 340, position: 'bottom-start' }}
      styles={{ options: { maxHeight: 240, overflowY: 'auto' }, option: { overflowWrap: 'anywhere' } }}
    />
  );
}
