-- What: a way to forget API keys that were made for a day at most and ended more than a day ago.
-- Why:  every link into a tenant's admin page is such a key, and would stay for ever. A day: until then `posthorn keys list` shows it,
--       and a cursor that it is in still leads on. The audit log names keys by id and needs no row of theirs.
-- Lock: none. Safe beside an older binary: yes, which never calls it.
CREATE FUNCTION posthorn.forget_short_lived_keys(max_rows integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    forgotten integer;
BEGIN
    -- an hour more than a day: the end is of the API's clock, the beginning of ours
    DELETE FROM api_keys k WHERE k.id = ANY (ARRAY(
        SELECT o.id FROM api_keys o
        WHERE o.expires_at <= o.created_at + interval '25 hours' AND least(o.expires_at, o.revoked_at) < now() - interval '1 day'
        LIMIT max_rows
        FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$$;
COMMENT ON FUNCTION posthorn.forget_short_lived_keys(integer) IS
    'Deletes at most so many API keys that were made for a day at most and ended more than a day ago; answers with how many.';
GRANT EXECUTE ON FUNCTION posthorn.forget_short_lived_keys(integer) TO posthorn_dispatcher;
