//! The settings of the dispatcher under test: as shipped, but for what `--set` says and what a local receiver needs.

use clap::{Args, FromArgMatches};

use super::error::BenchError;
use crate::config::Config;

/// What every dispatcher under test needs to reach a receiver on this machine.
const LOCAL: [(&str, &str); 2] = [("WEBHOOK_ALLOW_HTTP", "true"), ("WEBHOOK_ALLOW_NETWORKS", "127.0.0.1/32")];

/// A setting by its environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Such as `POSTHORN_CONCURRENCY`.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Setting {
    /// Reads `NAME=VALUE`.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self { name: name.to_owned(), value: value.to_owned() }),
            _ => Err("must be NAME=VALUE, such as POSTHORN_CONCURRENCY=64".to_owned()),
        }
    }
}

/// Environment of the process under test, without its database and keyring.
pub(super) fn environment(settings: &[Setting]) -> Vec<(String, String)> {
    let is_set = |name: &str| settings.iter().any(|setting| setting.name == name);
    let local = LOCAL.into_iter().filter(|(name, _)| !is_set(name)).map(|(n, v)| (n.to_owned(), v.to_owned()));
    local.chain(settings.iter().map(|s| (s.name.clone(), s.value.clone()))).collect()
}

/// The configuration that a process with this environment and no other has.
///
/// # Errors
/// [`BenchError::Setting`] for a name or value that it does not have.
pub(super) fn configuration(environment: &[(String, String)]) -> Result<Config, BenchError> {
    let wrong = |reason: String| BenchError::Setting { reason };
    let command = Config::augment_args(clap::Command::new("posthorn").no_binary_name(true));
    let mut flags = vec!["--database-url=postgres://unused".to_owned()];
    for (name, value) in environment {
        let is_it = |argument: &&clap::Arg| argument.get_env().is_some_and(|variable| variable == name.as_str());
        let argument = command.get_arguments().find(is_it);
        let flag =
            argument.and_then(clap::Arg::get_long).ok_or_else(|| wrong(format!("there is no setting {name}")))?;
        flags.push(format!("--{flag}={value}"));
    }
    // our own environment is not that of the process under test
    let mut command = command.mut_args(|argument| argument.env(None::<&'static str>));
    let matches = command.try_get_matches_from_mut(flags).map_err(|error| wrong(error.to_string()))?;
    Config::from_arg_matches(&matches).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_name_and_a_value() {
        let setting = Setting { name: "A".to_owned(), value: "b=c".to_owned() };
        assert_eq!(Setting::parse("A=b=c"), Ok(setting));
        assert!(Setting::parse("A").is_err() && Setting::parse("=b").is_err());
    }

    #[test]
    fn what_is_not_set_is_as_shipped() {
        let set = |text| environment(&[Setting::parse(text).unwrap()]);
        let config = configuration(&set("POSTHORN_POLL_SECONDS=7")).unwrap();
        let shipped = configuration(&environment(&[])).unwrap();
        assert_eq!(config.dispatcher.poll_seconds, 7);
        assert_eq!(config.dispatcher.concurrency, shipped.dispatcher.concurrency);
        assert!(
            config.webhook.allow_http && !configuration(&set("WEBHOOK_ALLOW_HTTP=false")).unwrap().webhook.allow_http
        );
        assert!(configuration(&set("POSTHORN_NO_SUCH=1")).is_err());
        assert!(configuration(&set("POSTHORN_POLL_SECONDS=soon")).is_err());
    }
}
