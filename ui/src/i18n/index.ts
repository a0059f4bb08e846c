// The page's language: the browser's unless somebody chose another, which is kept in localStorage.
import i18next, { type Resource } from 'i18next';
import { initReactI18next } from 'react-i18next';
import { en } from './en';

export type Language = 'en' | 'es';
export const languages: readonly { code: Language; name: string }[] = [
  { code: 'en', name: 'English' },
  { code: 'es', name: 'Español' },
];
const CHOSEN_AS = 'posthorn.language';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: typeof en };
  }
}

export async function startTranslations(): Promise<void> {
  const language = firstKnown([localStorage.getItem(CHOSEN_AS) ?? '', ...navigator.languages]) ?? 'en';
  const resources: Resource = { en: { translation: en } };
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources,
    // React escapes; a second time would show entities
    interpolation: { escapeValue: false },
  });
  if (language !== 'en') await show(language);
  document.documentElement.lang = language;
}

export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(CHOSEN_AS, language);
  await show(language);
}

/** The other language comes in a chunk of its own. */
async function show(language: Language): Promise<void> {
  if (language === 'es' && !i18next.hasResourceBundle('es', 'translation')) {
    const { es } = await import('./es');
    i18next.addResourceBundle('es', 'translation', es);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

function firstKnown(wanted: readonly string[]): Language | undefined {
  for (const one of wanted) {
    const found = languages.find(({ code }) => one.toLowerCase().split('-')[0] === code);
    if (found) return found.code;
  }
  return undefined;
}
