-- jobs/cancel: ends a job; answers with its state, NULL: there is none.
-- $1 id uuid; locks: the row, after the chunk that is under way
SELECT c.state FROM posthorn.cancel_job($1::uuid) c
