//! The databases of one process: their names, and a dispatcher for each that the failure of another does not touch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::growth::Kept;
use super::rights::check_rights;
use super::{RunError, growth};
use crate::config::Config;
use crate::dispatch::{Dispatcher, DispatcherParts};
use crate::domain::keyring::Keyring;
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::store::target::Target;
use crate::store::{Store, StoreRole, dispatchers, migrate};

/// Connections of a dispatcher's pool: one claims, two record, one fans out, one gives signs of life, one sweeps.
pub(super) const CONNECTIONS: usize = 6;

/// How long the start waits for the databases but the first: long enough for what is wrong to be said at once, and for most
/// migrations. One that cannot be reached is known within seconds.
const FIRST_TRY: Duration = Duration::from_secs(30);

/// Pause before the second try for a database, and the longest; each is twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A database to be served.
#[derive(Clone)]
pub(super) struct Database {
    /// How logs, metrics and health call it.
    pub(super) name: String,
    pub(super) url: SecretString,
    pub(super) store: Store,
}

/// Names each database: its own name, or with its host where two have the same. Connects to none.
pub(super) fn open(config: &Config, metrics: &Metrics) -> Result<Vec<Database>, RunError> {
    let urls = &config.databases.database_urls;
    let targets = urls.iter().map(Target::of).collect::<Result<Vec<_>, _>>()?;
    let name = |target: &Target| {
        let namesakes = targets.iter().filter(|other| other.database == target.database).count();
        if namesakes > 1 { format!("{}/{}", target.host, target.database) } else { target.database.clone() }
    };
    if let Some(twice) =
        targets.iter().enumerate().find_map(|(n, target)| targets[..n].contains(target).then_some(target))
    {
        return Err(RunError::SameDatabase { name: format!("{}/{}", twice.host, twice.database) });
    }
    let open = |(url, target): (&SecretString, &Target)| {
        let store = Store::new(url, StoreRole::Dispatcher, CONNECTIONS, config.webhook.max_payload_bytes)?;
        let name = name(target);
        let store = store.counted_in(&metrics.of_database(&name));
        Ok(Database { name, url: url.clone(), store })
    };
    urls.iter().zip(&targets).map(open).collect()
}

/// Brings the schema up to date, or only checks it.
pub(super) async fn prepare(database: &Database, migrates: bool) -> Result<(), RunError> {
    if migrates {
        let migrated = migrate::migrate(&database.url).await?;
        let (version, applied) = (migrated.version, migrated.applied);
        tracing::info!(database = database.name, schema.version = version, applied, "schema is up to date");
    } else {
        migrate::check(&database.url).await?;
    }
    Ok(())
}

/// What the dispatchers of a process have in common.
pub(super) struct Dispatching {
    pub(super) config: Config,
    pub(super) migrates: bool,
    pub(super) keyring: Arc<Keyring>,
    pub(super) metrics: Metrics,
    pub(super) outbound: Outbound,
    pub(super) stop: CancellationToken,
    /// Dispatchers registered by now, by the name of their database.
    pub(super) registered: Mutex<HashMap<String, Uuid>>,
}

impl Dispatching {
    /// Starts dispatching from a database that is prepared already.
    ///
    /// # Errors
    /// [`RunError`] when it cannot be reached or refuses.
    pub(super) async fn start_first(self: &Arc<Self>, database: Database) -> Result<JoinHandle<()>, RunError> {
        let dispatcher = self.register(&database).await?;
        let this = Arc::clone(self);
        // with one database there is nothing to tell apart
        let is_one = self.config.databases.database_urls.len() == 1;
        let span = if is_one { Span::none() } else { tracing::info_span!("database", name = database.name) };
        Ok(tokio::spawn(async move { this.run(database, dispatcher).await }.instrument(span)))
    }

    /// Starts dispatching from a further database; when it is away now, as soon as it comes.
    ///
    /// # Errors
    /// [`RunError`] of a fault that does not pass by itself, such as a schema that is too new.
    pub(super) async fn start_further(self: &Arc<Self>, database: Database) -> Result<JoinHandle<()>, RunError> {
        let (tell, told) = oneshot::channel();
        let name = database.name.clone();
        let this = Arc::clone(self);
        let span = tracing::info_span!("database", name);
        let task = tokio::spawn(async move { this.start_when_there(database, tell).await }.instrument(span));
        match tokio::time::timeout(FIRST_TRY, told).await {
            Ok(Ok(Err(error))) if !error.is_passing() => {
                return Err(RunError::Further { name, source: Box::new(error) });
            }
            Ok(Ok(Err(error))) => {
                tracing::warn!(
                    database = name,
                    error = causes(&error),
                    "a database is away; the others are served meanwhile"
                );
            }
            Ok(_) => {}
            Err(_) => {
                tracing::warn!(database = name, "a database takes long to start; the others are served meanwhile")
            }
        }
        Ok(task)
    }

    async fn start_when_there(self: Arc<Self>, database: Database, tell: oneshot::Sender<Result<(), RunError>>) {
        let stop = self.stop.clone();
        let mut tell = Some(tell);
        let mut pause = PAUSES.0;
        let dispatcher = loop {
            let error = tokio::select! {
                started = self.prepare_and_register(&database) => match started {
                    Ok(dispatcher) => break dispatcher,
                    Err(error) => error,
                },
                () = stop.cancelled() => return,
            };
            let (is_passing, is_same) = (error.is_passing(), matches!(error, RunError::SameDatabase { .. }));
            match tell.take() {
                // the start says it, and gives up when it does not pass
                Some(tell) => {
                    let _ = tell.send(Err(error));
                    if !is_passing {
                        return;
                    }
                }
                None if is_passing => tracing::debug!(error = causes(&error), "still away"),
                None => tracing::error!(error = causes(&error), "cannot dispatch from this database"),
            }
            if is_same {
                return;
            }
            tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => return }
            pause = (pause * 2).min(PAUSES.1);
        };
        match tell {
            Some(tell) => {
                let _ = tell.send(Ok(())); // nobody waits when it took too long
            }
            None => tracing::info!("the database is there"),
        }
        self.run(database, dispatcher).await;
    }

    async fn prepare_and_register(&self, database: &Database) -> Result<Dispatcher, RunError> {
        prepare(database, self.migrates).await?;
        self.register(database).await
    }

    async fn register(&self, database: &Database) -> Result<Dispatcher, RunError> {
        let store = &database.store;
        check_rights(store).await?;
        let parts = DispatcherParts {
            store: store.clone(),
            database_url: database.url.clone(),
            outbound: self.outbound.clone(),
            keyring: Arc::clone(&self.keyring),
            metrics: self.metrics.of_database(&database.name),
            webhook: Arc::new(self.config.webhook.clone()),
        };
        let dispatcher = Dispatcher::register(parts, &self.config.dispatcher).await?;
        // one database can have two names: then it knows a dispatcher that we registered under the other
        let others: Vec<Uuid> = {
            let mut registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
            registered.insert(database.name.clone(), dispatcher.id());
            registered.iter().filter(|(name, _)| **name != database.name).map(|(_, id)| *id).collect()
        };
        if dispatchers::any_of(store, &others).await? {
            dispatchers::seen(store, dispatcher.id(), true).await?;
            return Err(RunError::SameDatabase { name: database.name.clone() });
        }
        Ok(dispatcher)
    }

    /// Dispatches until the process stops.
    async fn run(&self, database: Database, dispatcher: Dispatcher) {
        let kept = Kept::of(&self.config.retention);
        let growth =
            growth::keep_in_shape(database.store, kept, self.metrics.of_database(&database.name), self.stop.clone());
        let growth = tokio::spawn(growth.in_current_span());
        dispatcher.run(self.stop.clone()).await;
        growth.abort();
    }
}

/// An error with everything that caused it, on one line.
fn causes(error: &RunError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
