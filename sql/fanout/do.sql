-- fanout/do: fans a taken event out; $1 event uuid, $2 subscriptions at most int, $3 whether to give filters up bool.
SELECT f.deliveries, f.is_finished FROM posthorn.fan_out_event($1::uuid, $2::int, $3::bool) f
