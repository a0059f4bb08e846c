//! What takes long: growth of backlog, history and subscriptions, retention, several processes, a held snapshot; and the API's lists and the operators' views of a long history.

pub(super) mod backlog;
pub(super) mod dispatchers;
pub(super) mod history;
pub(super) mod lists;
pub(super) mod retention;
pub(super) mod snapshot;
pub(super) mod subscriptions;
pub(super) mod views;
