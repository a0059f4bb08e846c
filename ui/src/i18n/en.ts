// All English texts. English is the source: es.ts does not compile until it has every key.
import { apiKeys } from './en/apiKeys';
import { auditLog } from './en/auditLog';
import { common } from './en/common';
import { deliveries } from './en/deliveries';
import { events } from './en/events';
import { eventTypes } from './en/eventTypes';
import { jobs } from './en/jobs';
import { overview } from './en/overview';
import { settings } from './en/settings';
import { shell } from './en/shell';
import { signIn } from './en/signIn';
import { tenants } from './en/tenants';
import { webhooks } from './en/webhooks';

export const en = {
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
} as const;
