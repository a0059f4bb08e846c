// Language and colour scheme; kept in localStorage, which holds nothing else.
import { SegmentedControl, Stack, Text, useMantineColorScheme } from '@mantine/core';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { chooseLanguage, languages } from '../i18n';

const SCHEMES = ['light', 'dark', 'auto'] as const;

export function Preferences() {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const id = useId();
  return (
    <Stack gap="sm">
      <div>
        <Text size="xs" fw={500} c="dimmed" mb={4} id={`${id}-language`}>
          {t('shell.language')}
        </Text>
        <SegmentedControl
          fullWidth
          size="xs"
          aria-labelledby={`${id}-language`}
          value={languages.find(({ code }) => code === i18n.language)?.code ?? 'en'}
          data={languages.map(({ code, name }) => ({ value: code, label: <span lang={code}>{name}</span> }))}
          onChange={(code) => void chooseLanguage(code)}
        />
      </div>
      <div>
        <Text size="xs" fw={500} c="dimmed" mb={4} id={`${id}-scheme`}>
          {t('shell.scheme.label')}
        </Text>
        <SegmentedControl
          fullWidth
          size="xs"
          aria-labelledby={`${id}-scheme`}
          value={colorScheme}
          data={SCHEMES.map((name) => ({ value: name, label: t(`shell.scheme.${name}`) }))}
          onChange={setColorScheme}
        />
      </div>
    </Stack>
  );
}
