// Which event a test or a preview is of: a type that the webhook wants, and its payload, begun with the type's example.
import { Autocomplete, Button, Group, JsonInput, Stack } from '@mantine/core';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isWanted, useEventCatalogue, useEventExample } from '../../api/queries/eventCatalogue';
import type { Subscription } from '../../api/queries/subscriptions';
import { JsonText } from '../../format/rawJson';

/** The payload as it was typed: its numbers keep their digits. */
export type Choice = { event?: string; payload?: JsonText };

type Props = {
  webhook: Subscription;
  submitLabel: string;
  isBusy: boolean;
  /** Of the API, by field. */
  refused: Record<string, string>;
  onSubmit: (choice: Choice) => void;
};

export function EventChoice({ webhook, submitLabel, isBusy, refused, onSubmit }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const catalogue = useEventCatalogue();
  const [event, setEvent] = useState('');
  // null: as the example has it
  const [typed, setTyped] = useState<string | null>(null);
  const wanted = (catalogue.data?.data ?? [])
    .map(({ group, types }) => ({
      group,
      items: types.map(({ name }) => name).filter((name) => webhook.events.some((one) => isWanted(one, name))),
    }))
    .filter(({ items }) => items.length > 0);
  const isKnown = wanted.some(({ items }) => items.includes(event));
  const example = useEventExample(isKnown ? event : '').data;
  const text = typed ?? (isKnown && example ? example : '');
  const isEmpty = text.trim() === '';
  const isRight = isEmpty || isObject(text);
  const fault = isRight ? undefined : t('webhooks.rules.object');
  return (
    <form
      noValidate
      onSubmit={(submit) => {
        submit.preventDefault();
        if (!isRight) return;
        const name = event.trim();
        onSubmit({ ...(name && { event: name }), ...(!isEmpty && { payload: new JsonText(text) }) });
      }}
    >
      <Stack gap="sm">
        <Autocomplete
          label={t('webhooks.choice.event')}
          description={t('webhooks.choice.eventHelp')}
          placeholder="invoice.created"
          data={wanted}
          limit={200}
          maxDropdownHeight={260}
          value={event}
          onChange={setEvent}
          error={refused.event}
        />
        <JsonInput
          id={id}
          label={t('webhooks.choice.payload')}
          description={t('webhooks.choice.payloadHelp')}
          placeholder='{"test": true}'
          autosize
          minRows={3}
          maxRows={10}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          value={text}
          onChange={setTyped}
          error={fault ?? refused.payload}
        />
        <Group justify="flex-end">
          {/* not the field above, whose list would open over this */}
          <Button type="submit" loading={isBusy} data-autofocus>
            {submitLabel}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
