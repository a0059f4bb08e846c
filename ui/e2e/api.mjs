// Calls of the REST API by which tests prepare what they look at.
import assert from 'node:assert/strict';
import { ADMIN_TOKEN, BASE, KEY } from './browser.mjs';

/** The answer's body; fails with it when the status is not 2xx. `body` may be a text, which is sent as it is. */
export async function call(method, path, body, key = KEY) {
  const answer = await fetch(`${BASE}/api/v1/webhooks${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

/** Asks again until `found` gives something; for what happens in the background. */
export async function until(what, found, patience = 30_000) {
  const end = Date.now() + patience;
  for (;;) {
    const value = await found();
    if (value) return value;
    assert.ok(Date.now() < end, `waited too long: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The same as the operator, on the operator's own paths. */
export async function operate(method, path, body) {
  const answer = await fetch(`${BASE}/api/v1/admin${path}`, {
    method,
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

/** A tenant of its own with a key that may do `scopes`: what others do there does not show. */
export async function newTenant(name, scopes = ['read', 'publish', 'manage', 'keys']) {
  const { id } = await operate('POST', '/tenants', { name });
  const { key } = await operate('POST', `/tenants/${id}/api-keys`, { name: 'tests', scopes });
  return { id, name, key };
}
