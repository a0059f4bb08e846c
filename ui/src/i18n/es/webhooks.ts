import type { webhooks as english } from '../en/webhooks';
import type { Translated } from '../types';

export const webhooks: Translated<typeof english> = {
  title: 'Webhooks',
  lead: 'Adónde se envían los eventos y cómo responde cada receptor.',
};
