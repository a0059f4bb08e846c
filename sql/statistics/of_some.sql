-- statistics/of_some: figures of a time of some subscriptions; those without any are left out. Reads the roll-up alone.
-- $1 resolution text, $2 since, $3 until timestamptz, $4 subscriptions uuid[]
-- index: delivery_statistics_subscription_idx
SELECT s.subscription_id, coalesce(sum(s.attempts), 0)::bigint AS attempts, coalesce(sum(s.delivered), 0)::bigint AS delivered,
    coalesce(sum(s.retried), 0)::bigint AS retried, coalesce(sum(s.failed), 0)::bigint AS failed,
    coalesce(sum(s.abandoned), 0)::bigint AS abandoned,
    coalesce(sum(s.duration_sum_ms), 0)::bigint AS duration_sum_ms, coalesce(max(s.duration_max_ms), 0) AS duration_max_ms,
    coalesce(sum(s.delay_sum_ms), 0)::bigint AS delay_sum_ms, coalesce(max(s.delay_max_ms), 0) AS delay_max_ms,
    ARRAY[sum(s.durations[1]), sum(s.durations[2]), sum(s.durations[3]), sum(s.durations[4]), sum(s.durations[5]), sum(s.durations[6]),
        sum(s.durations[7]), sum(s.durations[8]), sum(s.durations[9]), sum(s.durations[10]), sum(s.durations[11]), sum(s.durations[12]),
        sum(s.durations[13]), sum(s.durations[14]), sum(s.durations[15]), sum(s.durations[16]), sum(s.durations[17]), sum(s.durations[18]),
        sum(s.durations[19]), sum(s.durations[20]), sum(s.durations[21]), sum(s.durations[22]), sum(s.durations[23]), sum(s.durations[24])]::bigint[] AS durations,
    ARRAY[sum(s.delays[1]), sum(s.delays[2]), sum(s.delays[3]), sum(s.delays[4]), sum(s.delays[5]), sum(s.delays[6]),
        sum(s.delays[7]), sum(s.delays[8]), sum(s.delays[9]), sum(s.delays[10]), sum(s.delays[11]), sum(s.delays[12]),
        sum(s.delays[13]), sum(s.delays[14]), sum(s.delays[15]), sum(s.delays[16]), sum(s.delays[17]), sum(s.delays[18]),
        sum(s.delays[19]), sum(s.delays[20]), sum(s.delays[21]), sum(s.delays[22]), sum(s.delays[23]), sum(s.delays[24])]::bigint[] AS delays
FROM posthorn.delivery_statistics s
WHERE s.tenant_id = (SELECT posthorn.current_tenant()) AND s.resolution = $1::text AND s.starts_at >= $2::timestamptz
  AND s.starts_at < $3::timestamptz AND s.subscription_id = ANY ($4::uuid[]) AND s.event = '*'
GROUP BY s.subscription_id
