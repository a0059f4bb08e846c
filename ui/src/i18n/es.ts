// All Spanish texts.

import type { en } from './en';
import { apiKeys } from './es/apiKeys';
import { auditLog } from './es/auditLog';
import { common } from './es/common';
import { deliveries } from './es/deliveries';
import { events } from './es/events';
import { eventTypes } from './es/eventTypes';
import { jobs } from './es/jobs';
import { overview } from './es/overview';
import { settings } from './es/settings';
import { shell } from './es/shell';
import { signIn } from './es/signIn';
import { tenants } from './es/tenants';
import { webhooks } from './es/webhooks';
import type { Translated } from './types';

export const es: Translated<typeof en> = {
  common,
  shell,
  signIn,
  overview,
  webhooks,
  deliveries,
  events,
  eventTypes,
  apiKeys,
  auditLog,
  settings,
  tenants,
  jobs,
};
