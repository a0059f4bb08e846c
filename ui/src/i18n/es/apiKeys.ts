import type { apiKeys as english } from '../en/apiKeys';
import type { Translated } from '../types';

export const apiKeys: Translated<typeof english> = {
  title: 'Claves de API',
  lead: 'Claves con las que los programas llaman a la API.',
};
