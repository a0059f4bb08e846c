//! `posthorn listen`: a receiver for development. It verifies, shows and answers as it is told, or hands on to a local URL.

mod desk;
mod http;
mod show;
mod subscription;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::until_stopped;
use crate::domain::secret::Secret;
use desk::{Answers, Desk, Server};
use show::Screen;
use subscription::{SubscribeOptions, Subscription, SubscriptionError};

/// Receive webhooks on this machine: verify, show, and answer as asked, or hand them on to a local URL
#[derive(Args, Clone, Debug)]
pub struct Listen {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8999")]
    pub bind: SocketAddr,

    /// Secret of the subscription; without one, and without --subscribe, nothing is verified
    #[arg(long, env = "POSTHORN_LISTEN_SECRET", hide_env_values = true)]
    pub secret: Option<SecretString>,

    /// Status to answer with (200 to 599); several by commas are taken in turn, and the last one stays
    #[arg(long, value_name = "STATUS", value_delimiter = ',', default_value = "204", value_parser = clap::value_parser!(u16).range(200..=599))]
    pub status: Vec<u16>,

    /// How long to wait before the answer, such as 500ms or 20s (at most 10 minutes)
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = delay)]
    pub delay: Duration,

    /// Hand each webhook that is not refused on to this URL, byte for byte, and answer with what it answers
    #[arg(long, value_name = "URL", conflicts_with = "status", value_parser = web_url)]
    pub forward: Option<Url>,

    /// Show one line for each webhook, without its body
    #[arg(long)]
    pub brief: bool,

    /// A subscription for as long as it runs
    #[command(flatten)]
    pub subscribe: SubscribeOptions,
}

/// Why it does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address.
    #[error("it cannot listen on {address}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The given secret.
    #[error("the secret is none: {0}")]
    Secret(String),
    /// The subscription.
    #[error(transparent)]
    Subscription(#[from] SubscriptionError),
    /// Signals or standard output.
    #[error("the system failed")]
    System(#[from] io::Error),
}

/// Listens until Ctrl-C or SIGTERM; a subscription that it made is removed then.
///
/// # Errors
/// [`ListenError`].
pub async fn run(command: Listen) -> Result<(), ListenError> {
    let secret = Arc::new(OnceLock::new());
    if let Some(text) = &command.secret {
        let known = Secret::parse("secret", text.expose_secret());
        let words = |violations: Vec<crate::domain::violation::Violation>| {
            violations.first().map(|violation| violation.message.clone()).unwrap_or_default()
        };
        let _ = secret.set(known.map_err(|violations| ListenError::Secret(words(violations)))?);
    }
    let screen = Screen::new(command.brief);
    let answers = Answers::new(command.status, command.delay, command.forward.clone());
    // from here on nothing may get lost: a webhook may come before we have said that we are there
    let desk = Desk::new(Arc::clone(&secret), answers, screen, !command.subscribe.events.is_empty());
    let failed = |source| ListenError::Bind { address: command.bind, source };
    let server = Server::start(command.bind, desk).await.map_err(failed)?;
    let url = server.url();
    let stopped = until_stopped();
    let subscription = match Subscription::make(&command.subscribe, &url).await? {
        Some((subscription, made)) => {
            say(&format!(
                "subscription {} to {} sends to {}",
                subscription.id(),
                command.subscribe.events.join(", "),
                subscription.url()
            ))?;
            let _ = secret.set(made);
            Some(subscription)
        }
        None => None,
    };
    if secret.get().is_none() {
        say("nothing is verified: no --secret is given")?;
    }
    say(&format!("listening on {url}; Ctrl-C ends it"))?;
    let ended = stopped.await;
    server.stop().await;
    if let Some(subscription) = subscription {
        let id = subscription.id();
        subscription.remove().await?;
        say(&format!("subscription {id} is removed"))?;
    }
    Ok(ended?)
}

/// For people, beside what is received: on standard error.
fn say(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{text}")
}

fn delay(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a time such as 500ms or 20s, at most 600s".to_owned();
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (text.strip_suffix('s').ok_or_else(wrong)?, 1000),
    };
    let milliseconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)?;
    (milliseconds <= 600_000).then(|| Duration::from_millis(milliseconds)).ok_or_else(wrong)
}

/// A URL of http or https with a host.
fn web_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none() {
        return Err("must begin with http:// or https://".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_have_a_unit_and_an_end() {
        assert_eq!([delay("500ms"), delay("20s")], [Ok(Duration::from_millis(500)), Ok(Duration::from_secs(20))]);
        for wrong in ["", "5", "s", "-1s", "601s", "99999999999999999999s"] {
            assert!(delay(wrong).is_err(), "{wrong}");
        }
    }
}
