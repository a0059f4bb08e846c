// Title and detail of an error in the reader's language where the page has words for it, else as the API said it.
import type { TFunction } from 'i18next';
import { ApiProblem, Unreachable } from '../api';
import { en } from '../i18n/en';

export function describeProblem(error: unknown, t: TFunction): { title: string; detail: string } {
  if (error instanceof Unreachable) {
    return { title: t('common.problem.unreachable'), detail: t('common.problem.unreachableDetail') };
  }
  if (error instanceof ApiProblem) {
    const { kind, scope } = error;
    const title = isKnown(en.common.problem.kinds, kind) ? t(`common.problem.kinds.${kind}`) : error.title;
    if (scope) return { title, detail: t('common.problem.scope', { scope }) };
    const detail = isKnown(en.common.problem.details, kind) ? t(`common.problem.details.${kind}`) : error.detail;
    return { title, detail };
  }
  return {
    title: t('common.problem.unexpected'),
    detail: error instanceof Error ? error.message : String(error),
  };
}

function isKnown<Words extends object>(words: Words, kind: string): kind is Extract<keyof Words, string> {
  return Object.hasOwn(words, kind);
}
