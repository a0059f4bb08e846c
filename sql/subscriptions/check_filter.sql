-- subscriptions/check_filter: fails in Postgres's words where a filter is no jsonpath.
-- $1 filter text
SELECT $1::text::jsonpath::text AS filter
