-- session/limit_time: no statement of this transaction may take longer; $1 such as 5s text.
SELECT set_config('statement_timeout', $1::text, true) AS statement_timeout
