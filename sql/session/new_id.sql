-- session/new_id: an id made ahead, where something must be sealed for it before it is stored.
SELECT posthorn.uuid7() AS id
