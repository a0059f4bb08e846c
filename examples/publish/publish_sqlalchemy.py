"""Writes an invoice and two events in the transaction of an SQLAlchemy session.

    DATABASE_URL=postgres://… TENANT_ID=… python publish_sqlalchemy.py [--rollback]

Prints the invoice's id, which the webhooks carry as resource_id. With --rollback all is rolled back: no webhook is sent.
"""

import argparse
import os
import sys
import uuid
from decimal import Decimal

from sqlalchemy import FetchedValue, Numeric, Uuid, bindparam, column, create_engine, insert, make_url, table, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Invoice(Base):
    __tablename__ = "invoices"
    __table_args__ = {"schema": "demo"}

    id: Mapped[str] = mapped_column(primary_key=True, server_default=FetchedValue())
    tenant_id: Mapped[uuid.UUID]
    customer_name: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    currency: Mapped[str]


# Not a mapped class: it would add RETURNING, and a publisher may insert but not read.
OUTBOX = table(
    "outbox",
    column("tenant_id", Uuid),
    column("event"),
    column("payload", JSONB),
    column("resource_type"),
    column("resource_id"),
    schema="posthorn",
)

# The same as a function, which returns the event's id.
PUBLISH = text(
    """
    SELECT posthorn.publish(tenant_id => :tenant_id, event => :event, payload => :payload,
                            resource_type => :resource_type, resource_id => :resource_id)
    """
).bindparams(bindparam("tenant_id", type_=Uuid), bindparam("payload", type_=JSONB))


def create_invoice(session: Session, tenant_id: uuid.UUID) -> str:
    """Adds the invoice and its events. The caller's transaction decides about all of them."""
    invoice = Invoice(
        tenant_id=tenant_id, customer_name="Acme Corporation", amount=Decimal("1500.00"), currency="USD"
    )
    session.add(invoice)
    session.flush()  # the database gives the invoice its id
    about = {"tenant_id": tenant_id, "resource_type": "invoice", "resource_id": invoice.id}
    created = {
        "invoice_id": invoice.id,
        "amount": str(invoice.amount),  # money travels as text: a JSON number may be read as a float
        "currency": invoice.currency,
        "customer_name": invoice.customer_name,
    }
    session.execute(insert(OUTBOX).values(event="invoice.created", payload=created, **about))
    sent = {"invoice_id": invoice.id, "sent_to": "billing@acme.example"}
    event_id = session.scalar(PUBLISH, {"event": "invoice.sent", "payload": sent, **about})
    print(f"event {event_id}", file=sys.stderr)
    return invoice.id


def main() -> None:
    parser = argparse.ArgumentParser(description="Write an invoice and its events in one transaction.")
    parser.add_argument("--rollback", action="store_true", help="roll back instead of committing")
    arguments = parser.parse_args()
    try:
        database_url, tenant_id = os.environ["DATABASE_URL"], uuid.UUID(os.environ["TENANT_ID"])
    except KeyError as missing:
        sys.exit(f"{missing.args[0]} is not set: posthorn dev writes both to .posthorn/dev.json")

    url = make_url(database_url).set(drivername="postgresql+psycopg")
    engine = create_engine(url, hide_parameters=True)  # errors are logged, and payloads do not belong there
    try:
        with Session(engine) as session:  # whatever is not committed is rolled back at its end
            invoice_id = create_invoice(session, tenant_id)
            if arguments.rollback:
                session.rollback()
            else:
                session.commit()
    except SQLAlchemyError as error:
        sys.exit(f"nothing was written, and no webhook is sent: {error}")
    print(invoice_id)


if __name__ == "__main__":
    main()
