-- What: a way to forget entries of the audit log that are old.
-- Why:  it grows for ever; an operator may have to keep it for a time and not longer.
-- Lock: none. Safe beside an older binary: yes, which never calls it.
CREATE FUNCTION posthorn.forget_audit_log(keep_days integer, max_rows integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    forgotten integer;
BEGIN
    -- an id says when it was made; less than a day would be a mistake, not a wish
    DELETE FROM audit_log a WHERE a.id = ANY (ARRAY(
        SELECT o.id FROM audit_log o
        WHERE o.id < first_id_at(now() - make_interval(days => greatest(keep_days, 1)))
        ORDER BY o.id LIMIT max_rows
        FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$$;
COMMENT ON FUNCTION posthorn.forget_audit_log(integer, integer) IS
    'Deletes at most so many entries of the audit log that are older than so many whole days, at least one; answers with how many.';
GRANT EXECUTE ON FUNCTION posthorn.forget_audit_log(integer, integer) TO posthorn_dispatcher;
COMMENT ON TABLE posthorn.audit_log IS 'Who changed what and when. Rows are only ever added, and deleted when they are older than POSTHORN_AUDIT_RETENTION_DAYS.';
