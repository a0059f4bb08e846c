"""Tests the webhook of publish.py in a transaction that is rolled back: no server, no receiver, and nothing stays.

    DATABASE_URL=postgres://… python -m pytest test_publish.py
"""

import os
import uuid

import psycopg
import pytest

from publish import create_invoice

RECEIVER = "https://receiver.example/hook"


@pytest.fixture
def db():
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def tenant_id(db):
    """A tenant of this test alone, with a receiver of its invoices."""
    tenant_id = uuid.uuid4()
    db.execute("INSERT INTO posthorn.tenants (id, name) VALUES (%s, 'test')", (tenant_id,))
    db.execute(
        "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing) VALUES (%s, %s, '{invoice.*}', 'none')",
        (tenant_id, RECEIVER),
    )
    return tenant_id


def webhooks(db, tenant_id):
    """What the tenant's receivers would get."""
    return db.execute(
        """
        SELECT p.url, p.body::jsonb
        FROM posthorn.webhook_deliveries d, posthorn.preview(d.event_id, d.subscription_id) p
        WHERE d.tenant_id = %s ORDER BY d.id
        """,
        (tenant_id,),
    ).fetchall()


def test_an_invoice_is_told(db, tenant_id):
    invoice_id = create_invoice(db, tenant_id)
    [(url, body)] = webhooks(db, tenant_id)
    assert url == RECEIVER
    assert body["type"] == "invoice.created"
    assert body["data"]["invoice_id"] == invoice_id
    assert body["data"]["amount"] == "1500.00"


def test_an_invoice_that_is_rolled_back_is_not(db, tenant_id):
    with db.transaction(force_rollback=True):
        create_invoice(db, tenant_id)
    assert webhooks(db, tenant_id) == []
