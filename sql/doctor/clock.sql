-- doctor/clock: the database's clock, in seconds since 1970.
SELECT to_jsonb(extract(epoch FROM clock_timestamp())::float8) AS facts
