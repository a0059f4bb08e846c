-- operational/tell_held_back: tells of exhausted deliveries that were held back for a minute, one event for each subscription.
-- no parameters; index: exhausted_notes_noted_idx; locks: the rows deleted, and an advisory lock by trying
SELECT posthorn.tell_held_back() AS told
