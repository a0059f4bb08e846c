// Language and colour scheme, as items of a menu; kept in localStorage, which holds nothing else.
import { Menu, useMantineColorScheme } from '@mantine/core';
import { IconCheck, IconDeviceDesktop, IconMoon, IconSun } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { chooseLanguage, languages } from '../i18n';

const SCHEMES = [
  { name: 'light', icon: IconSun },
  { name: 'dark', icon: IconMoon },
  { name: 'auto', icon: IconDeviceDesktop },
] as const;

export function PreferenceItems() {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <>
      <Menu.Label>{t('shell.language')}</Menu.Label>
      {languages.map(({ code, name }) => (
        <Menu.Item
          key={code}
          lang={code}
          role="menuitemradio"
          aria-checked={i18n.language === code}
          rightSection={i18n.language === code ? <IconCheck size={15} aria-hidden /> : null}
          onClick={() => chooseLanguage(code)}
        >
          {name}
        </Menu.Item>
      ))}
      <Menu.Divider />
      <Menu.Label>{t('shell.scheme.label')}</Menu.Label>
      {SCHEMES.map(({ name, icon: Icon }) => (
        <Menu.Item
          key={name}
          role="menuitemradio"
          aria-checked={colorScheme === name}
          leftSection={<Icon size={16} stroke={1.7} aria-hidden />}
          rightSection={colorScheme === name ? <IconCheck size={15} aria-hidden /> : null}
          onClick={() => setColorScheme(name)}
        >
          {t(`shell.scheme.${name}`)}
        </Menu.Item>
      ))}
    </>
  );
}
