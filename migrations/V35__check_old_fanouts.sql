-- What: looks whether the marks of before keep the rule of V33. Why: V33 did not, so as not to hold anyone up.
-- Lock: SHARE UPDATE EXCLUSIVE, which neither reading nor writing waits for. Safe beside an older binary: yes.
ALTER TABLE posthorn.event_fanouts VALIDATE CONSTRAINT state_is_known;
