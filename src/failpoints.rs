//! Fail points: places where a test makes a process stop, die or panic. They exist only with feature `failpoints`, of which
//! there is no release build; without it `fail_point!` is nothing at all.
//!
//! The child process reads them from `FAILPOINTS`, as crate `fail` says: `before_connect=1*panic;before_finish=return(/tmp/x)`.
//! Its `pause` and `sleep` hold a thread of the runtime, which is how a test starves it; `return(FILE)` holds the task alone,
//! until that file exists, and says so on the log.

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("feature `failpoints` is for tests: a release build must not have it");

/// Here a test can step in. With a second argument, an event's name, also at `name@event`, for that event alone.
#[cfg(feature = "failpoints")]
macro_rules! fail_point {
    ($name:literal) => {
        $crate::failpoints::reach($name).await
    };
    ($name:literal, $event:expr) => {
        $crate::failpoints::reach($name).await;
        $crate::failpoints::reach(&format!("{}@{}", $name, $event)).await
    };
}

/// Nothing.
#[cfg(not(feature = "failpoints"))]
macro_rules! fail_point {
    ($($anything:tt)*) => {};
}

/// What of a fail point `fail` leaves to us: `return(FILE)` waits for the file.
#[cfg(feature = "failpoints")]
pub(crate) async fn reach(name: &str) {
    let Some(file) = fail::eval(name, |file| file.map(std::path::PathBuf::from)) else { return };
    tracing::warn!("fail point {name} is held");
    while !file.as_ref().is_some_and(|file| file.exists()) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Whether `FAILPOINTS` names it.
#[cfg(feature = "failpoints")]
pub(crate) fn is_set(name: &str) -> bool {
    fail::list().iter().any(|(set, _)| set == name)
}
