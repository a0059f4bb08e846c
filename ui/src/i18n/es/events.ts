import type { events as english } from '../en/events';
import type { Translated } from '../types';

export const events: Translated<typeof english> = {
  title: 'Eventos',
  lead: 'Lo que ocurrió, tal como lo publicaron sus sistemas.',
};
