//! Whether a session is ours alone: a pooler in transaction or statement mode gives the next statement another one, and ours to others.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::{StoreError, tls};

/// Names the session that answers, over all servers that a URL may name. A plain query: a prepared one would need two round
/// trips in one session already.
const SESSION: &str = "SELECT pg_backend_pid() || ' since ' || pg_postmaster_start_time()";

/// Longest wait for a connection and its answer: a pooler may have none to give.
const DEADLINE: Duration = Duration::from_secs(5);

/// Which of the two connections asks next. A pooler that hands out the session used last gives both the same one, one that takes
/// turns gives each another one; with equal turns two sessions in turn would look like ours.
const TURNS: [usize; 8] = [0, 1, 1, 0, 0, 1, 1, 0];

/// Compares the sessions of two connections. It changes none: what is set on a shared one is set for everybody.
///
/// # Errors
/// [`StoreError::SharedSessions`] when they are not two or do not stay the same, and those of connecting.
pub async fn refuse_shared_sessions(url: &SecretString) -> Result<(), StoreError> {
    let clients = [connect(url).await?, connect(url).await?];
    let mut known: [Option<String>; 2] = [None, None];
    for turn in TURNS {
        let session = session_of(&clients[turn]).await?;
        let is_changed = known[turn].as_ref().is_some_and(|before| *before != session);
        if is_changed || known[1 - turn].as_ref() == Some(&session) {
            return Err(StoreError::SharedSessions);
        }
        known[turn] = Some(session);
    }
    Ok(())
}

async fn connect(url: &SecretString) -> Result<Client, StoreError> {
    timeout(DEADLINE, tls::connect(url.expose_secret())).await.map_err(late)?
}

async fn session_of(client: &Client) -> Result<String, StoreError> {
    let answer = timeout(DEADLINE, client.simple_query(SESSION)).await.map_err(late)?;
    let messages = answer.map_err(|e| StoreError::from_driver("comparing sessions", e))?;
    let text = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    text.ok_or(StoreError::NoRow { statement: "comparing sessions" })
}

fn late(source: tokio::time::error::Elapsed) -> StoreError {
    StoreError::Unavailable { context: "comparing sessions", source: source.into() }
}
