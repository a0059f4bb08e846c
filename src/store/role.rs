//! The effective roles of the database, and what a session with one begins with.

use std::time::Duration;

/// Longest that the server works on a statement of ours, where a role has a limit; as [`StoreRole::session`] sets it.
const STATEMENT_LIMIT: Duration = Duration::from_secs(30);

/// How much longer we wait for its answer. What a server behind a dead proxy or a cut line has to say never comes, and the
/// socket's own time-outs do not see it where something in between still acknowledges.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

/// The effective role of every connection of a store. What it may do is decided by grants and row security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreRole {
    /// `posthorn_api`: one tenant at a time, by row security.
    Api,
    /// `posthorn_dispatcher`: every tenant's queue, no tenant's data beyond that.
    Dispatcher,
    /// `posthorn_admin`: tenants and API keys of any tenant, for the admin API.
    Admin,
    /// `posthorn_owner`: for commands an operator runs; never for requests.
    Owner,
    /// `posthorn_rekey`: every tenant's sealed values, and nothing else.
    Rekey,
    /// `posthorn_readonly`: what every tenant has, but for secrets and payloads; to look at, never to change.
    Readonly,
}

impl std::fmt::Display for StoreRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl StoreRole {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "posthorn_api",
            Self::Dispatcher => "posthorn_dispatcher",
            Self::Admin => "posthorn_admin",
            Self::Owner => "posthorn_owner",
            Self::Rekey => "posthorn_rekey",
            Self::Readonly => "posthorn_readonly",
        }
    }

    /// Its name in the metrics.
    pub(super) const fn pool(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Dispatcher => "dispatcher",
            Self::Admin => "admin",
            Self::Owner => "owner",
            Self::Rekey => "rekey",
            Self::Readonly => "readonly",
        }
    }

    /// What a new connection does first. Every statement of the dispatcher has one right plan, which follows an index in
    /// its order; the settings keep the planner from trying others on a table whose size changes faster than statistics.
    /// The API's lists have optional filters, which only a plan made for their values serves well.
    pub const fn session(self) -> &'static str {
        match self {
            Self::Api => {
                "SET ROLE posthorn_api; SET jit = off; SET plan_cache_mode = force_custom_plan; SET statement_timeout = '30s'"
            }
            Self::Dispatcher => {
                "SET ROLE posthorn_dispatcher; SET posthorn.actor = 'dispatcher'; SET jit = off; SET enable_seqscan = off; SET enable_bitmapscan = off; \
                 SET enable_sort = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
                 SET plan_cache_mode = force_generic_plan; SET statement_timeout = '30s'"
            }
            Self::Admin => "SET ROLE posthorn_admin; SET jit = off; SET statement_timeout = '30s'",
            Self::Owner => "SET ROLE posthorn_owner; SET jit = off",
            // rows that it has in hand must not make the API wait for whoever makes it wait
            Self::Rekey => {
                "SET ROLE posthorn_rekey; SET posthorn.actor = 'rekey'; SET jit = off; SET statement_timeout = '30s'; \
                 SET lock_timeout = '500ms'"
            }
            Self::Readonly => {
                "SET ROLE posthorn_readonly; SET jit = off; SET statement_timeout = '30s'; SET default_transaction_read_only = on"
            }
        }
    }

    /// Longest wait for an answer: then the server has given up by itself, and whoever has not said so is not there.
    pub(super) const fn patience(self) -> Option<Duration> {
        match self {
            Self::Api | Self::Dispatcher | Self::Admin | Self::Rekey | Self::Readonly => {
                Some(STATEMENT_LIMIT.saturating_add(ANSWER_MARGIN))
            }
            Self::Owner => None, // as long as it takes
        }
    }

    /// How a transaction of a request begins, where requests have one.
    pub(super) const fn of_request(self) -> Option<&'static str> {
        match self {
            Self::Api => Some("SET LOCAL ROLE posthorn_api"),
            Self::Admin => Some("SET LOCAL ROLE posthorn_admin"),
            Self::Dispatcher | Self::Owner | Self::Rekey | Self::Readonly => None,
        }
    }
}
