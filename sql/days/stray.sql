-- days/stray: days of the last $1 int (0: of all) whose rows are in a default partition.
-- index: primary keys of the default partitions
SELECT s.parent, s.day FROM posthorn.stray_days($1::int) s
