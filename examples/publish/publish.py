"""Writes an invoice and its event in one transaction, with nothing but SQL.

    DATABASE_URL=postgres://… TENANT_ID=… python publish.py [--rollback]

Prints the invoice's id, which the webhook carries as resource_id. With --rollback both are rolled back: no webhook is sent.
"""

import argparse
import os
import sys
from decimal import Decimal

import psycopg
from psycopg.types.json import Jsonb

CUSTOMER = "Acme Corporation"
AMOUNT = Decimal("1500.00")
CURRENCY = "USD"


def create_invoice(connection: psycopg.Connection, tenant_id: str) -> str:
    """Inserts the invoice and its event. The caller's transaction decides about both."""
    (invoice_id,) = connection.execute(
        """
        INSERT INTO demo.invoices (tenant_id, customer_name, amount, currency)
        VALUES (%s, %s, %s, %s) RETURNING id
        """,
        (tenant_id, CUSTOMER, AMOUNT, CURRENCY),
    ).fetchone()
    payload = {
        "invoice_id": invoice_id,
        "invoice_number": invoice_id,
        "amount": str(AMOUNT),  # money travels as text: a JSON number may be read as a float
        "currency": CURRENCY,
        "customer_name": CUSTOMER,
        "status": "open",
    }
    connection.execute(
        """
        INSERT INTO posthorn.outbox (tenant_id, event, payload, resource_type, resource_id)
        VALUES (%s, 'invoice.created', %s, 'invoice', %s)
        """,
        (tenant_id, Jsonb(payload), invoice_id),
    )
    return invoice_id


def main() -> None:
    parser = argparse.ArgumentParser(description="Write an invoice and its event in one transaction.")
    parser.add_argument("--rollback", action="store_true", help="roll back instead of committing")
    arguments = parser.parse_args()
    try:
        database_url, tenant_id = os.environ["DATABASE_URL"], os.environ["TENANT_ID"]
    except KeyError as missing:
        sys.exit(f"{missing.args[0]} is not set: posthorn dev writes both to .posthorn/dev.json")

    try:
        with psycopg.connect(database_url) as connection, connection.transaction(force_rollback=arguments.rollback):
            invoice_id = create_invoice(connection, tenant_id)
    except psycopg.Error as error:
        sys.exit(f"nothing was written, and no webhook is sent: {error}")
    print(invoice_id)


if __name__ == "__main__":
    main()
