-- days/expired: day partitions older than $1 int whole days, in the order in which they can go; 0: none.
-- held_back_by text: why one cannot go now, NULL when it can
SELECT e.parent, e.day, e.held_back_by FROM posthorn.expired_days($1::int) e
