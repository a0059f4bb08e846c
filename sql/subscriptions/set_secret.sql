-- subscriptions/set_secret: another secret; the one before signs too for a while.
-- $1 id uuid, $2 sealed bytea, $3 public key, $4 overlap s, $5 signing, $6 signature; index: primary key; locks: the row
SELECT posthorn.set_secret($1::uuid, $2::bytea, $3::text, $4::int4, $5::text, $6::text) AS is_found
