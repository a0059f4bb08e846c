"""Subscribes, publishes, looks at the delivery, sends it again and rotates the secret, with a generated client.

The package posthorn_client is what openapi-python-client makes of openapi/posthorn.yaml.
"""

import json
import os
import time

from posthorn_client import AuthenticatedClient
from posthorn_client.api.deliveries import list_deliveries, retry_delivery
from posthorn_client.api.events import publish_event
from posthorn_client.api.subscriptions import create_subscription, rotate_secret
from posthorn_client.models import EventInput, EventInputPayload, Problem, Rotation, SubscriptionInput

client = AuthenticatedClient(
    base_url=os.environ["POSTHORN_URL"] + "/api/v1/webhooks",
    token=os.environ["POSTHORN_API_KEY"],
    raise_on_unexpected_status=True,
)


def answer(found):
    """What was answered, unless it is a problem."""
    if found is None or isinstance(found, Problem):
        raise SystemExit(f"refused: {found}")
    return found


def delivered(event_id, generation):
    """The one delivery of an event, once it has arrived in this generation or a later one."""
    for _ in range(200):
        page = answer(list_deliveries.sync(client=client, event_id=event_id))
        for delivery in page.data:
            if delivery.status == "delivered" and delivery.generation >= generation:
                return delivery
        time.sleep(0.1)
    raise SystemExit(f"event {event_id} has not arrived")


subscription = answer(
    create_subscription.sync(
        client=client, body=SubscriptionInput(url=os.environ["RECEIVER_URL"], events=["invoice.*"])
    )
)
event = answer(
    publish_event.sync(
        client=client,
        idempotency_key=f"invoice-4711-{subscription.id}",
        body=EventInput(
            event="invoice.created",
            payload=EventInputPayload.from_dict({"amount": "1500.00"}),
            resource_type="invoice",
            resource_id="4711",
        ),
    )
)
first = delivered(event.id, 0)
retried = answer(retry_delivery.sync(first.id, client=client))
again = delivered(event.id, retried.generation)
rotated = answer(rotate_secret.sync(subscription.id, client=client, body=Rotation(overlap_seconds=3600)))

print(
    json.dumps(
        {
            "subscription": str(subscription.id),
            "event": str(event.id),
            "delivery": str(again.id),
            "generation": again.generation,
            "is_rotated": bool(rotated.secret) and rotated.secret != subscription.secret,
        }
    )
)
