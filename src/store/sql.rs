//! Every statement, one constant per file of `sql/`. A test prepares each against the migrated schema.

/// A statement and the name it has in logs, errors and pg_stat_statements.
#[derive(Clone, Copy, Debug)]
pub struct Sql {
    /// `group/verb`, the path under `sql/` without its ending.
    pub name: &'static str,
    /// The text, with its header.
    pub text: &'static str,
}

macro_rules! statements {
    ($($constant:ident = $name:literal;)*) => {
        $(#[doc = concat!("`sql/", $name, ".sql`")]
        pub const $constant: Sql =
            Sql { name: $name, text: include_str!(concat!("../../sql/", $name, ".sql")) };)*

        /// All of them, in the order above.
        pub const ALL: &[Sql] = &[$($constant),*];
    };
}

statements! {
    ADMIN_ADD_TENANT = "admin/add_tenant";
    ADMIN_CHANGE_TENANT = "admin/change_tenant";
    ADMIN_TENANTS = "admin/tenants";
    AUDIT_ADD = "audit/add";
    AUDIT_FORGET = "audit/forget";
    AUDIT_LIST = "audit/list";
    DAYS_DROP = "days/drop";
    DAYS_EXPIRED = "days/expired";
    DAYS_GROWTH = "days/growth";
    DAYS_MAKE = "days/make";
    DAYS_MISSING = "days/missing";
    DAYS_PRUNE = "days/prune";
    DAYS_STRAY = "days/stray";
    DELIVERIES_ATTEMPTS = "deliveries/attempts";
    DELIVERIES_ATTEMPTS_PAGE = "deliveries/attempts_page";
    DELIVERIES_CANCEL = "deliveries/cancel";
    DELIVERIES_COUNT_OF_EVENT = "deliveries/count_of_event";
    DELIVERIES_GET = "deliveries/get";
    DELIVERIES_LIST = "deliveries/list";
    DELIVERIES_LOCK = "deliveries/lock";
    DELIVERIES_OF_EVENTS = "deliveries/of_events";
    DELIVERIES_RETRY = "deliveries/retry";
    DISPATCHERS_ANY_OF = "dispatchers/any_of";
    DISPATCHERS_FORGET = "dispatchers/forget";
    DISPATCHERS_REGISTER = "dispatchers/register";
    DISPATCHERS_SEEN = "dispatchers/seen";
    DISPATCHERS_SETTLE = "dispatchers/settle";
    DOCTOR_CLOCK = "doctor/clock";
    DOCTOR_DAYS = "doctor/days";
    DOCTOR_DISPATCHERS = "doctor/dispatchers";
    DOCTOR_FAILING = "doctor/failing";
    DOCTOR_HIDDEN = "doctor/hidden";
    DOCTOR_HOLDERS = "doctor/holders";
    DOCTOR_PARTS = "doctor/parts";
    DOCTOR_QUEUE = "doctor/queue";
    DOCTOR_SESSION = "doctor/session";
    DOCTOR_SUBSCRIPTIONS = "doctor/subscriptions";
    DOCTOR_TABLES = "doctor/tables";
    EVENTS_CANCEL = "events/cancel";
    EVENTS_FANOUT = "events/fanout";
    EVENTS_FIND = "events/find";
    EVENTS_GET = "events/get";
    EVENTS_JSON_FAULTS = "events/json_faults";
    EVENTS_PUBLISH = "events/publish";
    EVENTS_PUBLISH_MANY = "events/publish_many";
    EVENTS_SOME = "events/some";
    EVENT_TYPES_ADD = "event_types/add";
    EVENT_TYPES_CHANGE = "event_types/change";
    EVENT_TYPES_COUNT_OWN = "event_types/count_own";
    EVENT_TYPES_DELETE = "event_types/delete";
    EVENT_TYPES_GET = "event_types/get";
    EVENT_TYPES_LIST = "event_types/list";
    EVENT_TYPES_RULES = "event_types/rules";
    FANOUT_DO = "fanout/do";
    FANOUT_FORGIVE = "fanout/forgive";
    FANOUT_JUDGE = "fanout/judge";
    FANOUT_NOTE = "fanout/note";
    FANOUT_REFUSED = "fanout/refused";
    FANOUT_RULE = "fanout/rule";
    FANOUT_TAKE = "fanout/take";
    IDEMPOTENCY_FIND = "idempotency/find";
    IDEMPOTENCY_FORGET = "idempotency/forget";
    IDEMPOTENCY_FORGET_COALESCED = "idempotency/forget_coalesced";
    IDEMPOTENCY_FORGET_PUBLISHED = "idempotency/forget_published";
    IDEMPOTENCY_KEEP = "idempotency/keep";
    IDEMPOTENCY_TRY_LOCK = "idempotency/try_lock";
    INSTANCE_RESUME = "instance/resume";
    JOBS_ADD = "jobs/add";
    JOBS_CANCEL = "jobs/cancel";
    JOBS_COUNT = "jobs/count";
    JOBS_GET = "jobs/get";
    JOBS_LIST = "jobs/list";
    JOBS_NOTE = "jobs/note";
    JOBS_RUN = "jobs/run";
    JOBS_TAKE = "jobs/take";
    KEYS_ADD = "keys/add";
    KEYS_ADD_TENANT = "keys/add_tenant";
    KEYS_FIND = "keys/find";
    KEYS_FORGET = "keys/forget";
    KEYS_LIST = "keys/list";
    KEYS_REVOKE = "keys/revoke";
    OPERATIONAL_TELL_HELD_BACK = "operational/tell_held_back";
    OPERATIONAL_TELL_OF_BACKLOGS = "operational/tell_of_backlogs";
    OWN_KEYS_END = "own_keys/end";
    OWN_KEYS_LIST = "own_keys/list";
    OWN_KEYS_REVOKE = "own_keys/revoke";
    LISTEN_SUBSCRIBE = "listen/subscribe";
    MONITORING_HELD = "monitoring/held";
    MONITORING_STATES = "monitoring/states";
    MONITORING_TABLES = "monitoring/tables";
    MONITORING_WAITING = "monitoring/waiting";
    PRUNE_ATTEMPTS = "prune/attempts";
    PRUNE_DELIVERIES = "prune/deliveries";
    PRUNE_DROP_ARCHIVED = "prune/drop_archived";
    PRUNE_EVENTS = "prune/events";
    PRUNE_HELD = "prune/held";
    PRUNE_STATE = "prune/state";
    QUEUE_CALL_STRANDED = "queue/call_stranded";
    QUEUE_CANCEL_ORPHANS = "queue/cancel_orphans";
    QUEUE_CLAIM = "queue/claim";
    QUEUE_CLOSE_GATE = "queue/close_gate";
    QUEUE_LISTENING = "queue/listening";
    QUEUE_NOTE_OUTCOMES = "queue/note_outcomes";
    QUEUE_OPEN_GATE = "queue/open_gate";
    QUEUE_RECORD = "queue/record";
    QUEUE_RECORD_LATE = "queue/record_late";
    QUEUE_RECRUIT = "queue/recruit";
    QUEUE_RELEASE = "queue/release";
    QUEUE_STATE = "queue/state";
    QUEUE_SUBSCRIBERS = "queue/subscribers";
    QUEUE_TRY_SENTINEL = "queue/try_sentinel";
    REPLAY_ASK = "replay/ask";
    REPLAY_JOB = "replay/job";
    SEALED_ANSWERS = "sealed/answers";
    SEALED_RESEAL_ANSWERS = "sealed/reseal_answers";
    SEALED_RESEAL_SUBSCRIPTIONS = "sealed/reseal_subscriptions";
    SEALED_SUBSCRIPTIONS = "sealed/subscriptions";
    SESSION_HAS_TENANT = "session/has_tenant";
    SESSION_IS_TENANT_ENABLED = "session/is_tenant_enabled";
    SESSION_LIMIT_TIME = "session/limit_time";
    SESSION_LOCK_TENANT = "session/lock_tenant";
    SESSION_NEW_ID = "session/new_id";
    SESSION_NOTE_KEY_USE = "session/note_key_use";
    SESSION_PRIVILEGES = "session/privileges";
    SESSION_SET_TENANT = "session/set_tenant";
    SESSION_SET_TRACEPARENT = "session/set_traceparent";
    SESSION_WAKE = "session/wake";
    STATISTICS_BACKLOG = "statistics/backlog";
    STATISTICS_ERRORS = "statistics/errors";
    STATISTICS_FOLD = "statistics/fold";
    STATISTICS_HEALTH = "statistics/health";
    STATISTICS_HEALTH_OF = "statistics/health_of";
    STATISTICS_HEALTH_OF_SOME = "statistics/health_of_some";
    STATISTICS_LAST_FAILURE = "statistics/last_failure";
    STATISTICS_OF_SOME = "statistics/of_some";
    STATISTICS_PRUNE = "statistics/prune";
    STATISTICS_SERIES = "statistics/series";
    STATISTICS_TOTALS = "statistics/totals";
    STATISTICS_WAITING = "statistics/waiting";
    STATISTICS_WAITING_OF_SOME = "statistics/waiting_of_some";
    STATS_DISPATCHERS = "stats/dispatchers";
    STATS_EVENT_TYPES = "stats/event_types";
    STATS_QUEUE = "stats/queue";
    STATS_RATES = "stats/rates";
    STATS_SUBSCRIPTIONS = "stats/subscriptions";
    SUBSCRIPTIONS_ADD = "subscriptions/add";
    SUBSCRIPTIONS_CHECK_FILTER = "subscriptions/check_filter";
    SUBSCRIPTIONS_DELETE = "subscriptions/delete";
    SUBSCRIPTIONS_GET = "subscriptions/get";
    SUBSCRIPTIONS_LIST = "subscriptions/list";
    SUBSCRIPTIONS_MATCHES = "subscriptions/matches";
    SUBSCRIPTIONS_SAME_URL = "subscriptions/same_url";
    SUBSCRIPTIONS_SAMPLE_EVENT = "subscriptions/sample_event";
    SUBSCRIPTIONS_SET = "subscriptions/set";
    SUBSCRIPTIONS_SET_CERTIFICATE = "subscriptions/set_certificate";
    SUBSCRIPTIONS_SET_CREDENTIALS = "subscriptions/set_credentials";
    SUBSCRIPTIONS_SET_HEADERS = "subscriptions/set_headers";
    SUBSCRIPTIONS_SET_SECRET = "subscriptions/set_secret";
    SUBSCRIPTIONS_SET_STATUS = "subscriptions/set_status";
    SUBSCRIPTIONS_SUSPEND = "subscriptions/suspend";
    TENANT_CHANGE = "tenant/change";
    TENANT_GET = "tenant/get";
    TEST_SENDS_ANSWER = "test_sends/answer";
    TEST_SENDS_ASK = "test_sends/ask";
    TEST_SENDS_FORGET = "test_sends/forget";
    TEST_SENDS_RECORD = "test_sends/record";
    TEST_SENDS_TAKE = "test_sends/take";
}

/// Roles and schema, before the first migration. Not prepared: it makes what the others need.
pub const SCHEMA_BOOTSTRAP: Sql =
    Sql { name: "schema/bootstrap", text: include_str!("../../sql/schema/bootstrap.sql") };
