// Numbers, times and sizes in the reader's language, region and zone.
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { makeFormat } from './make';

export type { Format } from './make';

/** The formats of the language that is shown. */
export function useFormat() {
  const { i18n } = useTranslation();
  return useMemo(() => makeFormat(regionOf(i18n.language)), [i18n.language]);
}

/** `es` for a reader whose browser says `es-MX` is `es-MX`: numbers and dates as usual there. */
function regionOf(language: string): string {
  return navigator.languages.find((one) => one.toLowerCase().split('-')[0] === language) ?? language;
}
