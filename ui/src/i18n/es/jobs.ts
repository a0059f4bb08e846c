import type { jobs as english } from '../en/jobs';
import type { Translated } from '../types';

export const jobs: Translated<typeof english> = {
  title: 'Tareas',
  lead: 'Repeticiones, reintentos y otros trabajos largos.',
};
