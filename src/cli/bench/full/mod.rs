//! What takes long: growth of backlog, history and subscriptions, several processes, a held snapshot.

pub(super) mod backlog;
pub(super) mod dispatchers;
pub(super) mod history;
pub(super) mod snapshot;
pub(super) mod subscriptions;
