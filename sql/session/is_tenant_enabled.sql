-- session/is_tenant_enabled: whether the tenant that a token names exists and is not disabled.
-- $1 tenant uuid; index: primary key
SELECT posthorn.is_tenant_enabled($1::uuid) AS is_enabled
