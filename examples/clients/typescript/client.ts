// Subscribes, publishes, looks at the delivery, sends it again and rotates the secret. Every path, field and answer is
// checked by the compiler against posthorn.d.ts, which openapi-typescript makes of openapi/posthorn.yaml.
import { setTimeout as pause } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./posthorn.js";

type Delivery = components["schemas"]["Delivery"];

function env(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}`);
  return value;
}

/** The body of an answer of success; a problem's `detail` becomes an error. */
function data<T>(answer: { data?: T; error?: { detail: string }; response: Response }): T {
  if (answer.error) throw new Error(`${answer.response.status}: ${answer.error.detail}`);
  if (answer.data === undefined) throw new Error(`${answer.response.status} without a body`);
  return answer.data;
}

const api = createClient<paths>({
  baseUrl: `${env("POSTHORN_URL")}/api/v1/webhooks`,
  headers: { Authorization: `Bearer ${env("POSTHORN_API_KEY")}` },
});

/** The one delivery of an event, once it has arrived in this generation or a later one. */
async function delivered(event_id: string, generation: number): Promise<Delivery> {
  for (let look = 0; look < 200; look++) {
    const page = data(await api.GET("/deliveries", { params: { query: { event_id } } }));
    const found = page.data.find((one) => one.status === "delivered" && one.generation >= generation);
    if (found) return found;
    await pause(100);
  }
  throw new Error(`event ${event_id} has not arrived`);
}

const subscription = data(
  await api.POST("/subscriptions", { body: { url: env("RECEIVER_URL"), events: ["invoice.*"] } }),
);
const event = data(
  await api.POST("/events", {
    params: { header: { "Idempotency-Key": `invoice-4711-${subscription.id}` } },
    body: { event: "invoice.created", payload: { amount: "1500.00" }, resource_type: "invoice", resource_id: "4711" },
  }),
);
const first = await delivered(event.id, 0);
const retried = data(await api.POST("/deliveries/{id}/retry", { params: { path: { id: first.id } } }));
const again = await delivered(event.id, retried.generation);
const rotated = data(
  await api.POST("/subscriptions/{id}/rotate-secret", {
    params: { path: { id: subscription.id } },
    body: { overlap_seconds: 3600 },
  }),
);

console.log(
  JSON.stringify({
    subscription: subscription.id,
    event: event.id,
    delivery: again.id,
    generation: again.generation,
    is_rotated: Boolean(rotated.secret) && rotated.secret !== subscription.secret,
  }),
);
