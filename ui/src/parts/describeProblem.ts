// Title and detail of an error in the reader's language where the page has words for it, else as the API said it.
import type { TFunction } from 'i18next';
import { ApiProblem, Unreachable } from '../api';

export function describeProblem(error: unknown, t: TFunction): { title: string; detail: string } {
  if (error instanceof Unreachable) {
    return { title: t('common.problem.unreachable'), detail: t('common.problem.unreachableDetail') };
  }
  if (error instanceof ApiProblem) {
    const detail = error.scope ? t('common.problem.scope', { scope: error.scope }) : error.detail;
    return { title: error.title, detail };
  }
  return {
    title: t('common.problem.unexpected'),
    detail: error instanceof Error ? error.message : String(error),
  };
}
