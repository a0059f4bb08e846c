-- fanout/open: fans out the oldest open event to at most $1 int subscriptions, in one transaction with its marking.
SELECT f.is_found, f.deliveries FROM posthorn.fan_out_open($1::int) f
