// Writes an invoice and its event in one transaction, with nothing but SQL.
//
//     DATABASE_URL=postgres://… TENANT_ID=… node publish.js [--rollback]
//
// Prints the invoice's id, which the webhook carries as resource_id. With --rollback both are rolled back: no webhook is sent.
import { parseArgs } from "node:util";
import pg from "pg";

const CUSTOMER = "Acme Corporation";
const AMOUNT = "1500.00"; // money travels as text: a JSON number may be read as a float
const CURRENCY = "USD";

/** Inserts the invoice and its event. The caller's transaction decides about both. */
async function createInvoice(client, tenantId) {
  const inserted = await client.query(
    "INSERT INTO demo.invoices (tenant_id, customer_name, amount, currency) VALUES ($1, $2, $3, $4) RETURNING id",
    [tenantId, CUSTOMER, AMOUNT, CURRENCY],
  );
  const invoiceId = inserted.rows[0].id;
  const payload = {
    invoice_id: invoiceId,
    invoice_number: invoiceId,
    amount: AMOUNT,
    currency: CURRENCY,
    customer_name: CUSTOMER,
    status: "open",
  };
  await client.query(
    `INSERT INTO posthorn.outbox (tenant_id, event, payload, resource_type, resource_id)
     VALUES ($1, 'invoice.created', $2, 'invoice', $3)`,
    [tenantId, JSON.stringify(payload), invoiceId],
  );
  return invoiceId;
}

const { values } = parseArgs({ options: { rollback: { type: "boolean", default: false } } });
const { DATABASE_URL, TENANT_ID } = process.env;
if (!DATABASE_URL || !TENANT_ID) {
  console.error("DATABASE_URL and TENANT_ID must be set: posthorn dev writes both to .posthorn/dev.json");
  process.exit(1);
}

const client = new pg.Client({ connectionString: DATABASE_URL });
try {
  await client.connect();
  await client.query("BEGIN");
  const invoiceId = await createInvoice(client, TENANT_ID);
  await client.query(values.rollback ? "ROLLBACK" : "COMMIT");
  console.log(invoiceId);
} catch (error) {
  console.error(`nothing was written, and no webhook is sent: ${error.message}`);
  process.exitCode = 1;
} finally {
  // Closing the connection rolls back whatever an error left open.
  await client.end();
}
