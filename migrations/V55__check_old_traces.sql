-- What: looks whether the events of before keep the rule of V51 (their traceparent is NULL). Why: V51 did not, so as not to hold
--       anyone up.
-- Lock: SHARE UPDATE EXCLUSIVE, which neither reading nor writing waits for. Safe beside an older binary: yes.
ALTER TABLE posthorn.outbox VALIDATE CONSTRAINT traceparent_is_version_00_of_trace_context;
