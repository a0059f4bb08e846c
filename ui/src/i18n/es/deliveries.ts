import type { deliveries as english } from '../en/deliveries';
import type { Translated } from '../types';

export const deliveries: Translated<typeof english> = {
  title: 'Entregas',
  lead: 'Cada evento camino de un receptor, los más recientes primero.',
};
