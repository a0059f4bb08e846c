// A receiver of the tests' own: keeps what arrives, can be broken and mended, and checks signatures as customers do.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

/** Starts one on a free port of 127.0.0.1. `answer(status, body, headers)` sets what it answers from then on. */
export async function startReceiver() {
  const requests = [];
  let reply = { status: 204, body: '', headers: {} };
  let held = null;
  const server = createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', async () => {
      requests.push({
        method: request.method,
        path: request.url,
        headers: request.headers,
        body: Buffer.concat(parts),
      });
      if (held) await held.promise;
      response.writeHead(reply.status, reply.headers).end(reply.body);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/hook`,
    /** What arrived, oldest first: method, path, headers, body (a Buffer). */
    requests,
    answer(status, body = '', headers = {}) {
      reply = { status, body, headers };
    },
    /** From now on it answers with 503. */
    break() {
      this.answer(503, 'out of order', { 'content-type': 'text/plain' });
    },
    /** From now on it accepts everything. */
    fix() {
      this.answer(204);
    },
    /** Answers nothing until `release()`. */
    hold() {
      held = withResolvers();
    },
    release() {
      held?.resolve();
      held = null;
    },
    /** Waits until so many requests came for which `wanted` holds, and answers with these. */
    async wait(count, wanted = () => true, patience = 30_000) {
      const end = Date.now() + patience;
      for (;;) {
        const found = requests.filter(wanted);
        if (found.length >= count) return found;
        if (Date.now() > end) throw new Error(`${found.length} of ${count} requests within ${patience} ms`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    /** Ends it and every connection. */
    close() {
      this.release();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Whether a request is signed with `secret` (`whsec_…`) as https://www.standardwebhooks.com says. While an old and a new
 * secret overlap there are two signatures, and either is good.
 */
export function isSigned({ headers, body }, secret) {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  const signed = Buffer.concat([Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`), body]);
  const want = createHmac('sha256', key).update(signed).digest();
  const age = Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp']));
  return (
    age < 300 &&
    String(headers['webhook-signature'])
      .split(' ')
      .filter((one) => one.startsWith('v1,'))
      .map((one) => Buffer.from(one.slice('v1,'.length), 'base64'))
      .some((given) => given.length === want.length && timingSafeEqual(given, want))
  );
}

// Node 20 has no Promise.withResolvers
function withResolvers() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
