-- events/json_faults: which of these texts, from 1, cannot be payloads, and why.
-- $1 texts text[]
SELECT f.place, f.fault FROM posthorn.json_faults($1::text[]) f
