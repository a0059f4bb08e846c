-- session/set_traceparent: the trace that this transaction publishes in, until it ends; $1 W3C traceparent text.
SELECT set_config('posthorn.traceparent', $1::text, true) AS traceparent
