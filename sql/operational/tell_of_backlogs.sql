-- operational/tell_of_backlogs: tells of backlogs that are high, and cleared again.
-- $1 seconds of waiting that are high int; index: claim_idx of live; locks: rows of high_backlogs, and an advisory lock by trying
SELECT posthorn.tell_of_backlogs($1::int4) AS told
