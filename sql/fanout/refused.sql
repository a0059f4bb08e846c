-- fanout/refused: of events those that were refused. $1 ids uuid[]; index: primary key
SELECT f.event_id
FROM posthorn.event_fanouts f
WHERE f.event_id = ANY ($1::uuid[]) AND f.state = 'refused'
