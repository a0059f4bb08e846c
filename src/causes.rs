//! What an error says, and what caused it.

use std::error::Error;

/// What the driver says before what the server said.
const OF_THE_SERVER: &str = "db error";

/// An error and everything that caused it, on one line: only the last cause says what happened. What has been said, as where a message
/// quotes its cause, is not said again.
pub fn with_causes(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // the server's message, and its detail and hint, are lines of their own
        for line in cause.to_string().lines() {
            let words = line.trim_start_matches("ERROR: ").trim_start_matches("FATAL: ");
            if words != OF_THE_SERVER && !said.contains(words) {
                said = format!("{said}: {words}");
            }
        }
        source = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot listen: {source}. Choose another port")]
    struct Quoting {
        source: Silent,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the system refused")]
    struct Silent {
        source: io::Error,
    }

    #[test]
    fn what_is_quoted_is_said_once_and_what_is_not_is_added() {
        let error = Quoting { source: Silent { source: io::Error::other("the port is taken") } };
        assert_eq!(with_causes(&error), "cannot listen: the system refused. Choose another port: the port is taken");
        assert_eq!(with_causes(&io::Error::other("alone")), "alone");
        let refused = Silent { source: io::Error::other("ERROR: the system refused\nHINT: ask again") };
        assert_eq!(with_causes(&refused), "the system refused: HINT: ask again");
    }
}
