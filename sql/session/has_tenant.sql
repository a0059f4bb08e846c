-- session/has_tenant: whether the tenant that an operator names exists.
-- $1 tenant uuid; index: primary key
SELECT EXISTS (SELECT FROM posthorn.tenants t WHERE t.id = $1::uuid) AS is_found
