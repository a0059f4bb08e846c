-- subscriptions/sample_event: an event type that one of these patterns matches, the first by name.
-- $1 patterns text[]; index: one_type_per_name
SELECT t.name
FROM posthorn.event_types t
WHERE EXISTS (
    SELECT FROM unnest($1::text[]) AS p (pattern)
    WHERE p.pattern = t.name OR p.pattern = '*' OR (p.pattern LIKE '%.*' AND starts_with(t.name, left(p.pattern, -1))))
ORDER BY t.name
LIMIT 1
