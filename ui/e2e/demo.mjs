// A tenant full of life, for pictures and for looking at every screen: what a trading company's webhooks look like on a working
// day. Everything is made by the API and really sent; then the past is put behind it by SQL, which needs the owner's rights.
import { createServer } from 'node:http';
import { call, newTenant, operate, until } from './api.mjs';
import { sql } from './sql.mjs';

/** Name, address as customers would have it, path on the local receiver, which decides its answer, and settings. */
const WEBHOOKS = [
  ['accounting', 'Accounting', 'https://books.northwind.example/hooks/posthorn', ['invoice.*', 'payment.*'], '/ok'],
  ['warehouse', 'Warehouse', 'https://wms.northwind.example/v2/events', ['shipment.*', 'sales_order.created'], '/ok'],
  [
    'search',
    'Search index',
    'https://search.northwind.example/ingest',
    ['customer.*'],
    '/ok',
    { rate_per_second: 0.01 },
  ],
  [
    'fraud',
    'Fraud checks',
    'https://api.riskwise.example/webhooks/9f31',
    ['payment.*'],
    '/busy',
    { retry_schedule: [1, 7200] },
  ],
  [
    'crm',
    'CRM sync',
    'https://hooks.crmcloud.example/in/8c2e7d',
    ['customer.*', 'invoice.paid'],
    '/down',
    { retry_schedule: [2700, 7200], circuit_failures: 4, circuit_seconds: 840 },
  ],
  [
    'partner',
    'Partner portal',
    'https://portal.fabrikam.example/webhooks',
    ['shipment.*'],
    '/wrong',
    { retry_schedule: [1] },
  ],
  ['letters', 'Newsletter tool', 'https://letters.tailspin.example/hook', ['customer.created'], '/gone'],
  ['erp', 'Old ERP, until the move', 'https://erp-old.northwind.example/soap-bridge', ['sales_order.*'], '/ok'],
];
const ANSWERS = {
  '/ok': [204, ''],
  '/busy': [503, '{"error":"overloaded","message":"Too many checks in progress, try again later"}'],
  '/down': [502, '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>'],
  '/wrong': [500, '{"error":"NullPointerException","trace":"at com.fabrikam.portal.Webhooks.receive"}'],
  '/gone': [410, 'This list was closed'],
};
const SCHEMA = {
  type: 'object',
  required: ['shipment_id', 'carrier', 'parcels'],
  properties: {
    shipment_id: { type: 'string', pattern: '^SHP-[0-9]+$' },
    order_id: { type: 'string' },
    carrier: { enum: ['DHL', 'UPS', 'Correos'] },
    parcels: { type: 'integer', minimum: 1 },
    tracking_url: { type: 'string', format: 'uri' },
  },
};
const SHIPMENT = {
  shipment_id: 'SHP-20418',
  order_id: 'SO-7731',
  carrier: 'Correos',
  parcels: 2,
  tracking_url: 'https://track.example/SHP-20418',
};
const NAMES = ['Alma Textiles', 'Brightwater Energy', 'Casa Lucía', 'Dekker & Zonen', 'Elmwood Dental', 'Fjord Kayaks'];
const pick = (list, n) => list[n % list.length];
const EVENTS = {
  'invoice.paid': (n) => ({
    invoice_id: `INV-${2040 + n}`,
    customer: { id: `CUS-${310 + (n % 6)}`, name: pick(NAMES, n) },
    amount: pick([1249.5, 89, 312.4, 5400], n),
    currency: 'EUR',
    paid_at: '2026-11-20T09:41:07Z',
    lines: [
      { sku: 'TR-1180', quantity: 3, price: 129.5 },
      { sku: 'TR-0042', quantity: 1, price: 861 },
    ],
  }),
  'invoice.created': (n) => ({
    invoice_id: `INV-${2080 + n}`,
    customer: pick(NAMES, n),
    amount: 420.9,
    currency: 'EUR',
  }),
  'payment.received': (n) => ({
    payment_id: `PAY-${9100 + n}`,
    invoice_id: `INV-${2040 + n}`,
    amount: 1249.5,
    currency: 'EUR',
  }),
  'customer.updated': (n) => ({ customer_id: `CUS-${310 + n}`, name: pick(NAMES, n), changed: ['billing_address'] }),
  'customer.created': (n) => ({ customer_id: `CUS-${330 + n}`, name: pick(NAMES, n), country: 'ES' }),
  'sales_order.created': (n) => ({ order_id: `SO-${7731 + n}`, customer: pick(NAMES, n), total: 611.3 }),
  'shipment.dispatched': (n) => ({ ...SHIPMENT, shipment_id: `SHP-${20418 + n}`, order_id: `SO-${7731 + n}` }),
};

/** Answers by path; `close()` when the pictures are taken. */
async function startReceivers() {
  const server = createServer((request, response) => {
    const [status, body] = ANSWERS[`/${request.url.split('/')[1]}`] ?? [404, 'unknown'];
    request.resume();
    request.on('end', () => {
      const type = body.startsWith('{') ? 'application/json' : body.startsWith('<') ? 'text/html' : 'text/plain';
      response.writeHead(status, body ? { 'content-type': type, server: 'nginx/1.27.2' } : {}).end(body);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: (path) => `http://127.0.0.1:${server.address().port}${path}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** Makes it all; the answer names what screens are opened with. `isPast` puts a day of figures behind it. */
export async function seedDemo({ isPast = true } = {}) {
  const receivers = await startReceivers();
  const tenant = await makeTenants();
  const { id: tenantId, key } = tenant;
  const api = (method, path, body) => call(method, path, body, key);
  await makeEventTypes(api);
  const webhooks = {};
  for (const [name, description, , events, path, settings] of WEBHOOKS) {
    const body = { url: receivers.url(`${path}/${name}`), description, events, ...settings };
    webhooks[name] = (await api('POST', '/subscriptions', body)).id;
  }
  await api('PATCH', `/subscriptions/${webhooks.accounting}`, {
    headers: { 'X-Environment': 'production', 'X-Api-Key': 'k-20418' },
    timeout_seconds: 20,
    metadata: { owner: 'finance', ticket: 'OPS-1182' },
  });
  await api('PATCH', `/subscriptions/${webhooks.warehouse}`, { ordered: true, max_in_flight: 20 });

  // the failing first: the newest are mostly the good ones
  const publish = async (event, numbers) => {
    for (const n of numbers) {
      const payload = EVENTS[event](n);
      const [resource_type] = event.split('.');
      const body = { event, payload, resource_type, resource_id: String(Object.values(payload)[0]) };
      const { id } = await api('POST', '/events', body);
      // those of strict types are handed out in the background, and would come out of turn
      if (event === 'shipment.dispatched') {
        await until('an event to be handed out', async () => {
          return (await api('GET', `/events/${id}/deliveries`)).data.length > 0;
        });
      }
    }
  };
  await publish('customer.created', [0]);
  await until('the newsletter tool to be suspended', async () => {
    return (await api('GET', `/subscriptions/${webhooks.letters}`)).status === 'suspended';
  });
  await publish('sales_order.created', [0, 1]);
  await publish('customer.updated', [0, 1, 2]);
  await publish('invoice.paid', [0, 1, 2, 3]);
  await publish('shipment.dispatched', [0, 1]);
  await publish('payment.received', [0]);
  await publish('invoice.created', [0, 1, 2]);
  const count = async (id, status) => {
    return (await api('GET', `/subscriptions/${id}/deliveries?status=${status}&limit=50`)).data.length;
  };
  await until('the circuit of the CRM to open', async () => {
    return (await api('GET', `/subscriptions/${webhooks.crm}/stats`)).health.circuit === 'open';
  });
  await until('the partner portal to be given up', async () => (await count(webhooks.partner, 'abandoned')) === 2);
  await until('the fraud checks to be retried', async () => {
    return (await api('GET', `/subscriptions/${webhooks.fraud}/deliveries`)).data[0]?.attempts === 2;
  });
  await publish('invoice.paid', [4]);
  await publish('payment.received', [1, 2]);
  await publish('shipment.dispatched', [2]);
  await publish('invoice.created', [3]);
  await publish('invoice.paid', [5, 6]);
  await until('the newest to arrive', async () => (await count(webhooks.accounting, 'delivered')) >= 14);
  await until('the last to be given up', async () => (await count(webhooks.partner, 'abandoned')) === 3);
  await until('the last to be tried twice', async () => {
    const { data } = await api('GET', `/subscriptions/${webhooks.fraud}/deliveries`);
    return data.length === 3 && data.every(({ attempts }) => attempts === 2);
  });
  await api('POST', `/subscriptions/${webhooks.erp}/disable`);
  await api('POST', `/subscriptions/${webhooks.accounting}/rotate-secret`, { overlap_seconds: 86_400 });
  const { data: abandoned } = await api('GET', `/subscriptions/${webhooks.partner}/deliveries?status=abandoned`);
  const [, , ...cancellable] = (await api('GET', `/subscriptions/${webhooks.crm}/deliveries`)).data;
  await api('POST', `/deliveries/${cancellable.at(-1).id}/cancel`);
  const job = await api('POST', `/subscriptions/${webhooks.warehouse}/replay`, { since: '2026-01-01T00:00:00Z' });
  await until('the replay to be done', async () => (await api('GET', `/jobs/${job.id}`)).state === 'done');
  if (isPast) {
    putBehind(tenantId, webhooks);
    const left = `SELECT count(*) FROM posthorn.delivery_tallies WHERE tenant_id = '${tenantId}'`;
    await until('the figures of the day to be folded', () => sql(left) === '0', 120_000);
  }
  const { data: paid } = await api('GET', '/events?event=invoice.paid&limit=1');
  const { data: delivered } = await api('GET', `/subscriptions/${webhooks.accounting}/deliveries?event=invoice.paid`);
  const { data: retrying } = await api('GET', `/subscriptions/${webhooks.fraud}/deliveries?limit=50`);
  return {
    tenant: { ...tenant, name: 'Northwind Traders' },
    newcomer: await newTenant('Tailspin Toys'),
    webhooks,
    event: paid[0].id,
    delivered: delivered[0].id,
    retrying: retrying.find(({ attempts }) => attempts === 2).id,
    abandoned: abandoned[0].id,
    close: receivers.close,
  };
}

async function makeTenants() {
  for (const [name, limit] of [['Brightwater Energy', 64], ['Cobalt Robotics'], ['Dekker & Zonen', 16]]) {
    const { id } = await operate('POST', '/tenants', { name });
    if (limit) await operate('PATCH', `/tenants/${id}`, { max_in_flight: limit });
    if (name.startsWith('Cobalt')) await operate('PATCH', `/tenants/${id}`, { disabled: true });
  }
  const { id } = await operate('POST', '/tenants', { name: 'Northwind Traders' });
  const scopes = ['read', 'publish', 'manage', 'keys'];
  const { key } = await operate('POST', `/tenants/${id}/api-keys`, { name: 'Ana Torres, operations', scopes });
  const more = [
    ['Shop backend, production', ['publish']],
    ['Terraform', ['read', 'manage']],
    ['Grafana', ['read']],
    ['Contractor, until March', ['read']],
  ];
  const keys = [];
  for (const [name, granted] of more) {
    const expires_at = name.startsWith('Contractor') ? new Date(Date.now() + 128 * 86_400_000).toISOString() : null;
    keys.push(await call('POST', '/api-keys', { name, scopes: granted, ...(expires_at && { expires_at }) }, key));
  }
  await call('DELETE', `/api-keys/${keys[2].id}`, undefined, key);
  await call('GET', '/event-types', undefined, keys[1].key);
  return { id, key };
}

async function makeEventTypes(api) {
  await api('POST', '/event-types', {
    name: 'shipment.dispatched',
    description: 'A shipment left the warehouse with its carrier.',
    group: 'Shipping',
    json_schema: SCHEMA,
    example: SHIPMENT,
    is_strict: true,
  });
  await api('POST', '/event-types', {
    name: 'shipment.delayed',
    description: 'The carrier reports a later day of arrival.',
    group: 'Shipping',
    example: { shipment_id: 'SHP-20418', days: 2, reason: 'customs' },
  });
  await api('POST', '/event-types', {
    name: 'shipment.lost',
    description: 'Given up by the carrier; use shipment.delayed with its reason.',
    group: 'Shipping',
    is_deprecated: true,
  });
}

/** Real addresses for the local ones, and time: events hours apart, a day of figures, an audit log of weeks. */
function putBehind(tenant, webhooks) {
  const urls = WEBHOOKS.map(([name, , url]) => `('${webhooks[name]}'::uuid, '${url}')`).join(', ');
  const shift = (table, key, columns) =>
    `UPDATE posthorn.${table} t SET ${columns.map((one) => `${one} = t.${one} - m.by`).join(', ')}
     FROM moved m WHERE t.tenant_id = '${tenant}' AND m.event_id = ${key};`;
  sql(`
    SET session_replication_role = replica;
    BEGIN;
    UPDATE posthorn.webhook_subscriptions s SET url = v.url, created_at = s.created_at - interval '41 days'
      FROM (VALUES ${urls}) v (id, url) WHERE s.id = v.id;
    UPDATE posthorn.event_types SET created_at = created_at - interval '40 days', updated_at = updated_at - interval '12 days'
      WHERE tenant_id = '${tenant}';
    UPDATE posthorn.webhook_attempts a SET target_url = v.url FROM (VALUES ${urls}) v (id, url), posthorn.webhook_deliveries d
      WHERE a.tenant_id = '${tenant}' AND d.id = a.delivery_id AND d.subscription_id = v.id;
    -- the newest event stays where it is, and each before it is further away from its next
    CREATE TEMP TABLE moved ON COMMIT DROP AS SELECT id AS event_id, interval '47 s' * power(row_number() OVER (ORDER BY id DESC) - 1, 2.1)
        AS by FROM posthorn.outbox WHERE tenant_id = '${tenant}';
    ${shift('outbox', 't.id', ['created_at'])}
    ${shift('webhook_deliveries', 't.event_id', ['created_at', 'updated_at', 'finished_at'])}
    ${shift('webhook_attempts', '(SELECT event_id FROM posthorn.webhook_deliveries d WHERE d.id = t.delivery_id)', ['started_at', 'recorded_at'])}
    UPDATE posthorn.subscription_activity a SET last_delivered_at = d.delivered, last_failed_at = f.failed
      FROM (SELECT s.id, (SELECT max(finished_at) FROM posthorn.webhook_deliveries WHERE subscription_id = s.id AND status = 'delivered')
        AS delivered FROM posthorn.webhook_subscriptions s) d, (SELECT s.id, (SELECT max(t.recorded_at) FROM posthorn.webhook_attempts t
          JOIN posthorn.webhook_deliveries e ON e.id = t.delivery_id WHERE e.subscription_id = s.id AND t.error_kind IS NOT NULL) AS failed
        FROM posthorn.webhook_subscriptions s) f
      WHERE a.tenant_id = '${tenant}' AND d.id = a.subscription_id AND f.id = a.subscription_id;
    UPDATE posthorn.audit_log t SET created_at = t.created_at - r.by FROM (SELECT id, interval '13 min' *
        power(row_number() OVER (ORDER BY id DESC) - 1, 2.4) AS by FROM posthorn.audit_log WHERE tenant_id = '${tenant}') r
      WHERE r.id = t.id;
    UPDATE posthorn.api_keys SET created_at = created_at - interval '63 days', last_used_at = CASE name
        WHEN 'Shop backend, production' THEN now() - interval '40 s' WHEN 'Terraform' THEN now() - interval '9 days'
        WHEN 'Grafana' THEN now() - interval '31 days' ELSE last_used_at END WHERE tenant_id = '${tenant}';
    UPDATE posthorn.tenants SET created_at = now() - interval '90 days' - interval '11 days' * (hashtext(name) % 9 + 9);
    UPDATE posthorn.webhook_subscriptions SET status_changed_at = now() - interval '3 days' - interval '5 h'
      WHERE tenant_id = '${tenant}' AND status <> 'active';
    UPDATE posthorn.circuits SET failing_since_at = now() - interval '52 min' WHERE tenant_id = '${tenant}' AND state <> 'closed';
    UPDATE posthorn.jobs SET created_at = created_at - interval '2 h', started_at = started_at - interval '2 h',
        finished_at = finished_at - interval '2 h' + interval '38 s', updated_at = updated_at - interval '2 h' WHERE tenant_id = '${tenant}';
    INSERT INTO posthorn.jobs (tenant_id, kind, subscription_id, filter, state, total, is_total_exact, looked_at, changed, position,
        before_id, due_at, started_at) SELECT '${tenant}', 'backfill', '${webhooks.search}', '{}', 'running', 18240, true, 11730, 11730,
        position, before_id, now() + interval '1 day', now() - interval '70 s' FROM posthorn.jobs WHERE tenant_id = '${tenant}' LIMIT 1;
    COMMIT;
    ${figures(tenant, webhooks)}`);
}

/** A day of results as dispatchers leave them; one folds them into the statistics some seconds later. */
function figures(tenant, webhooks) {
  // webhook, event, how many each five minutes, share that fails, how it fails
  const flows = [
    ['accounting', 'invoice.paid', 22, 0.002, 'timeout'],
    ['accounting', 'invoice.created', 14, 0, 'timeout'],
    ['accounting', 'payment.received', 19, 0.001, 'connect'],
    ['warehouse', 'shipment.dispatched', 11, 0.004, 'timeout'],
    ['search', 'customer.updated', 6, 0, 'timeout'],
    ['fraud', 'payment.received', 9, 0.06, 'server_error'],
    ['partner', 'shipment.dispatched', 5, 0.02, 'server_error'],
  ];
  const rows = flows.map(([name, event, rate, bad, kind]) => {
    return `('${webhooks[name]}'::uuid, '${event}', ${rate}, ${bad}, '${kind}')`;
  });
  return `
    SELECT setseed(0.42);
    INSERT INTO posthorn.delivery_tallies (recorded_at, tenant_id, subscription_id, event, delivered, retried, abandoned, durations, delays,
        error_kinds)
    SELECT at, '${tenant}', s, event, n - bad, bad - lost, lost,
        (SELECT array_agg((22 + 90 * power(random(), 3))::int) FROM generate_series(1, n)),
        (SELECT array_agg((31 + 160 * power(random(), 4))::int) FROM generate_series(1, n - bad)), array_fill(kind, ARRAY[bad])
    FROM (SELECT at, s, event, kind, n, bad, (bad * 0.3)::int AS lost FROM (SELECT at, s, event, kind, n,
        least(n, round(n * share * outage * 2 * random()))::int AS bad FROM (SELECT at, s, event, share, kind,
            -- more by day than by night, and an outage in the afternoon
            greatest(1, round(rate * (0.25 + power(sin(pi() * extract(epoch FROM at - now() + interval '26 h') / 100000), 2))
                * (0.8 + 0.4 * random())))::int AS n,
            CASE WHEN at BETWEEN now() - interval '9 h' AND now() - interval '7.5 h' THEN 9 ELSE 1 END AS outage
        FROM generate_series(now() - interval '26 h', now() - interval '6 min', interval '5 min') at,
            (VALUES ${rows.join(', ')}) flow (s, event, rate, share, kind)) drawn) failed) lost;`;
}
