-- session/set_tenant: whom this transaction acts for, its payload limit and who acts.
-- $1 tenant uuid as text ('' for none), $2 bytes as text, $3 actor text such as api_key:<id>
SELECT set_config('posthorn.tenant_id', $1::text, true) AS tenant_id,
    set_config('posthorn.max_payload_bytes', $2::text, true) AS max_payload_bytes,
    set_config('posthorn.actor', $3::text, true) AS actor
