-- dispatchers/any_of: whether one of these dispatchers is registered here; $1 ids uuid[]. Index: primary key.
SELECT EXISTS (SELECT FROM posthorn.dispatchers d WHERE d.id = ANY ($1::uuid[])) AS is_known
