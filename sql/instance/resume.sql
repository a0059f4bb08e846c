-- instance/resume: says that a restored copy may send from now on; answers whether it was one and how much waits.
-- locks: posthorn.instance
SELECT posthorn.resume() AS was_copy, q.waiting FROM posthorn.queue_state() q
