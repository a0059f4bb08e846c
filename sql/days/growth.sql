-- days/growth: of each table kept by days, rows in the default partition (to 10,000), oldest and newest day.
SELECT g.parent, g.default_rows, g.oldest_day, g.newest_day FROM posthorn.growth() g
