-- session/note_key_use: that an API key was used, at most once a minute.
-- $1 key id text; index: primary key; locks: the row
SELECT posthorn.note_key_use($1::text)
