-- session/set_tenant: the tenant and payload limit of this transaction; $1 tenant uuid as text ('' for none), $2 bytes as text.
SELECT set_config('posthorn.tenant_id', $1::text, true), set_config('posthorn.max_payload_bytes', $2::text, true)
