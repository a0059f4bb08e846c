-- What: looks whether the events of before keep the rules of V36 and V37 (their keys are NULL). Why: those did not, so as not to hold
--       anyone up.
-- Lock: SHARE UPDATE EXCLUSIVE, which neither reading nor writing waits for. Safe beside an older binary: yes.
ALTER TABLE posthorn.outbox VALIDATE CONSTRAINT idempotency_key_is_1_to_200_printable_characters;
ALTER TABLE posthorn.outbox VALIDATE CONSTRAINT coalesce_key_is_1_to_200_printable_characters;
