// Short names for the API's schemas.

import type { components as Tenant } from './generated/posthorn';
import type { components as Admin } from './generated/posthorn-admin';

/** A schema of the tenant's API by name: `Schema<'Subscription'>`. */
export type Schema<Name extends keyof Tenant['schemas']> = Tenant['schemas'][Name];
/** A schema of the operator's API by name. */
export type AdminSchema<Name extends keyof Admin['schemas']> = Admin['schemas'][Name];
