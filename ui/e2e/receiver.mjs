// A receiver for the tests: records what arrives, answers as told, and checks signatures (Standard Webhooks).
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

/** Listens on a free port of 127.0.0.1. `answer` may be changed at any time. */
export async function startReceiver() {
  const receiver = {
    /** `delayMs` before the answer; `body` may be a Buffer. */
    answer: { status: 204, delayMs: 0, headers: {}, body: '' },
    /** What arrived, oldest first: method, url, headers, body. */
    requests: [],
    url: '',
    close: async () => {},
    /** Whether a request was signed with this secret (`whsec_…`). */
    verify(request, secret) {
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
      const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signatures = '' } = request.headers;
      const wanted = createHmac('sha256', key).update(`${id}.${at}.${request.body}`).digest();
      return signatures.split(' ').some((one) => {
        const [version, text = ''] = one.split(',');
        const given = Buffer.from(text, 'base64');
        return version === 'v1' && given.length === wanted.length && timingSafeEqual(given, wanted);
      });
    },
  };
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      receiver.requests.push({ method, url, headers, body: Buffer.concat(chunks).toString('utf8') });
      const { status, delayMs = 0, headers: own = {}, body = '' } = receiver.answer;
      setTimeout(() => response.writeHead(status, own).end(body), delayMs);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.url = `http://127.0.0.1:${server.address().port}/`;
  receiver.close = () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    });
  return receiver;
}
