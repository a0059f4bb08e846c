-- doctor/hidden: how many sessions of this database the login may not look into.
SELECT to_jsonb(count(*)) AS facts
FROM pg_stat_activity a
WHERE a.query = '<insufficient privilege>' AND a.datname = current_database()
