import type { eventTypes as english } from '../en/eventTypes';
import type { Translated } from '../types';

export const eventTypes: Translated<typeof english> = {
  title: 'Tipos de evento',
  lead: 'Lo que puede ocurrir: los tipos comunes y los propios.',
};
