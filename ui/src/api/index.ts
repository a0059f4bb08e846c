// What screens use: the clients of the present session, and how their answers are read.
import { credentials, endSession } from '../session/store';
import { connect } from './client';

export const { tenantApi, adminApi } = connect(credentials, (token) => endSession('expired', token));
export { unwrap } from './client';
export { ApiProblem, isPassing, Unreachable } from './problem';
export type { AdminSchema, Schema } from './types';
