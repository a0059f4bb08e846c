//! The `posthorn` command: arguments to subcommand. The only file with anyhow.

#![forbid(unsafe_code)]

mod log;

use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use posthorn::causes::with_causes;
use posthorn::cli::{
    bench, completions, dev, doctor, keys, listen, man, migrate, openapi, prune, rekey, replay, resume, serve, stats,
};
use posthorn::metrics::COMMIT;
use posthorn::traces::{self, Export, SpanLayer, TracesError};

/// Version and commit, as `--version` says them.
static VERSION: LazyLock<String> = LazyLock::new(|| format!("{} ({COMMIT})", env!("CARGO_PKG_VERSION")));

/// Webhooks straight from Postgres
#[derive(Parser)]
#[command(name = "posthorn", version = VERSION.as_str(), propagate_version = true, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// Write logs as JSON lines
    #[arg(long, env = "POSTHORN_LOG_JSON", global = true, default_value_t = false)]
    log_json: bool,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::Serve>),
    Dev(Box<dev::Dev>),
    Migrate(migrate::Migrate),
    Keys(keys::Keys),
    Listen(Box<listen::Listen>),
    Replay(replay::Replay),
    Prune(prune::Prune),
    Rekey(rekey::Rekey),
    Resume(resume::Resume),
    Doctor(Box<doctor::Doctor>),
    Stats(stats::Stats),
    Openapi(openapi::Openapi),
    Bench(Box<bench::Bench>),
    Completions(completions::Completions),
    Man(man::Man),
}

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _set_by_a_test = fail::FailScenario::setup();
    let arguments = Arguments::try_parse().unwrap_or_else(|error| refuse(&error));
    let (spans, export) = match traces_of(&arguments.command) {
        Ok(traces) => traces.unzip(),
        Err(error) => return tell(&error.into()),
    };
    let log = log::start(default_log(&arguments.command), arguments.log_json, spans);
    let result = run(arguments.command, export);
    drop(log);
    result.map_or_else(|error| tell(&error), |()| ExitCode::SUCCESS)
}

/// Says what is wrong with the arguments, and of what everybody forgets once also how it is given.
fn refuse(error: &clap::Error) -> ! {
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) if error.kind() == ErrorKind::MissingRequiredArgument => {
            missing.as_slice()
        }
        _ => &[],
    };
    if !missing.iter().any(|argument| argument.starts_with("--database-url")) {
        error.exit()
    }
    if missing.len() > 1 {
        let _ = error.print(); // nobody reads it, then
    }
    eprintln!(
        "posthorn: where is PostgreSQL? Set DATABASE_URL, such as DATABASE_URL=postgres://user:password@127.0.0.1:5432/app, or give --database-url \
         (`posthorn dev` brings a PostgreSQL of its own)"
    );
    std::process::exit(error.exit_code())
}

/// Says what went wrong.
fn tell(error: &anyhow::Error) -> ExitCode {
    eprintln!("posthorn: {}", with_causes(error.as_ref()));
    ExitCode::FAILURE
}

/// The export of traces, of the command that has it.
fn traces_of(command: &Command) -> Result<Option<(SpanLayer, Export)>, TracesError> {
    match command {
        Command::Serve(serve) => traces::prepare(&serve.config.traces, serve.config.webhook.ca_file.as_deref()),
        _ => Ok(None),
    }
}

/// How long threads that still work may hold up the end of the process.
const SHUTDOWN: Duration = Duration::from_secs(1);

fn run(command: Command, export: Option<Export>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        match command {
            Command::Serve(command) => serve::serve(*command, export).await?,
            Command::Dev(command) => dev::dev(*command).await?,
            Command::Migrate(command) => migrate::run(command).await?,
            Command::Keys(command) => keys::run(command).await?,
            Command::Listen(command) => listen::run(*command).await?,
            Command::Replay(command) => replay::run(command).await?,
            Command::Prune(command) => prune::run(command).await?,
            Command::Rekey(command) => rekey::run(command).await?,
            Command::Resume(command) => resume::run(command).await?,
            Command::Doctor(command) => doctor::run(*command).await?,
            Command::Stats(command) => stats::run(command).await?,
            Command::Bench(command) => bench::bench(*command).await?,
            Command::Openapi(command) => openapi::run(command)?,
            Command::Completions(command) => completions::run(command, Arguments::command())?,
            Command::Man(command) => man::run(command, Arguments::command())?,
        }
        Ok(())
    });
    // a look-up of a name that nobody answers for may go on in its thread: nobody waits for it any more
    runtime.shutdown_timeout(SHUTDOWN);
    ended
}

/// What is logged without `RUST_LOG`: `dev` keeps quiet so that its receiver's lines stand out, `bench` so that a line per
/// webhook is not what it measures.
const fn default_log(command: &Command) -> &'static str {
    match command {
        Command::Dev(_) | Command::Bench(_) => "warn,posthorn::login=error",
        // what they find is what they say
        Command::Doctor(_) | Command::Stats(_) => "off",
        _ => "warn,posthorn=info",
    }
}
