// Calls of the REST API by which tests prepare what they look at.
import assert from 'node:assert/strict';
import { BASE, KEY } from './browser.mjs';

/** The answer's body; fails with it when the status is not 2xx. `body` may be a text, which is sent as it is. */
export async function call(method, path, body) {
  const answer = await fetch(`${BASE}/api/v1/webhooks${path}`, {
    method,
    headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

/** Asks again until `found` gives something; for what happens in the background. */
export async function until(what, found) {
  const end = Date.now() + 15_000;
  for (;;) {
    const value = await found();
    if (value) return value;
    assert.ok(Date.now() < end, `waited too long: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
