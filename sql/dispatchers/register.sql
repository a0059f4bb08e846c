-- dispatchers/register: a dispatcher starts; answers with its id.
-- $1 host text, $2 pid int, $3 version text, $4 concurrency int
INSERT INTO posthorn.dispatchers (host, pid, version, concurrency)
VALUES ($1::text, $2::int, $3::text, $4::int)
RETURNING id
