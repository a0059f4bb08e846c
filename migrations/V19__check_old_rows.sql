-- What: looks whether the rows of before keep the rules of V12. Why: V12 did not, so as not to hold anyone up.
-- Lock: SHARE UPDATE EXCLUSIVE, which neither reading nor writing waits for; reads outbox and deliveries once.
-- Safe beside an older binary: yes.
ALTER TABLE posthorn.outbox VALIDATE CONSTRAINT ordering_key_is_1_to_200_printable_characters;
ALTER TABLE posthorn.webhook_deliveries VALIDATE CONSTRAINT ordering_key_has_a_number, VALIDATE CONSTRAINT due_unless_in_line;
