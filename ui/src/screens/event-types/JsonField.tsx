// A field for JSON, kept as it was typed.
import { Button, Textarea, type TextareaProps } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { isJson, prettyJson } from '../../format/rawJson';

type Props = Omit<TextareaProps, 'value'> & { value?: string; onTidy: (text: string) => void };

export function JsonField({ value = '', onTidy, ...rest }: Props) {
  const { t } = useTranslation();
  const tidy = isJson(value) ? prettyJson(value) : value;
  return (
    <div>
      <Textarea
        {...rest}
        value={value}
        autosize
        minRows={5}
        maxRows={18}
        spellCheck={false}
        autoComplete="off"
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.8125rem' } }}
      />
      {tidy !== value && (
        <Button mt={6} size="compact-sm" variant="default" onClick={() => onTidy(tidy)}>
          {t('eventTypes.form.tidy')}
        </Button>
      )}
    </div>
  );
}
