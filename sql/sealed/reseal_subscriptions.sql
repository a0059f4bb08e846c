-- sealed/reseal_subscriptions: puts values sealed anew in place of those that were read, where these still stand.
-- $1 ids, $2 to $6 old values, $7 to $11 new ones; index: primary key; locks: the rows, skipping locked ones
WITH given AS (
    SELECT g.place, g.id, g.secret, g.previous_secret, g.headers, g.credentials, g.client_key,
        g.new_secret, g.new_previous_secret, g.new_headers, g.new_credentials, g.new_client_key
    FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[],
        $7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[])
        WITH ORDINALITY AS g (id, secret, previous_secret, headers, credentials, client_key,
            new_secret, new_previous_secret, new_headers, new_credentials, new_client_key, place)),
-- compared again with the row as it is when it is locked: a rotation of meanwhile stays
unchanged AS (
    SELECT s.id FROM posthorn.webhook_subscriptions s
    JOIN given g ON g.id = s.id
    WHERE s.id = ANY ($1::uuid[])
      AND s.secret IS NOT DISTINCT FROM g.secret AND s.previous_secret IS NOT DISTINCT FROM g.previous_secret
      AND s.sealed_headers IS NOT DISTINCT FROM g.headers AND s.sealed_credentials IS NOT DISTINCT FROM g.credentials
      AND s.sealed_client_key IS NOT DISTINCT FROM g.client_key
    FOR NO KEY UPDATE OF s SKIP LOCKED)
UPDATE posthorn.webhook_subscriptions s
SET secret = g.new_secret, previous_secret = g.new_previous_secret, sealed_headers = g.new_headers,
    sealed_credentials = g.new_credentials, sealed_client_key = g.new_client_key
FROM given g
JOIN unchanged u ON u.id = g.id
WHERE s.id = g.id AND s.id = ANY ($1::uuid[])
RETURNING g.place
