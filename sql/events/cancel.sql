-- events/cancel: cancels what waits of an event of the current tenant.
-- $1 id uuid; locks: its open fan-out, then its waiting deliveries
SELECT c.is_found, c.is_fanout_cancelled, c.cancelled, c.in_flight FROM posthorn.cancel_event($1::uuid) c
