-- fanout/forgive: an event that was refused fits by now. $1 event uuid; index: primary key; locks: the row
DELETE FROM posthorn.event_fanouts
WHERE event_id = $1::uuid AND state = 'refused'
