// SQL by psql, as people type it.
import { execFileSync } from 'node:child_process';
import { DATABASE_URL } from './browser.mjs';

/** What it prints, unaligned and without headings. */
export function sql(text) {
  const psql = process.env.POSTHORN_PSQL ?? 'psql';
  const args = [DATABASE_URL, '--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set=ON_ERROR_STOP=1'];
  return execFileSync(psql, args, { input: text, encoding: 'utf8' }).trim();
}
