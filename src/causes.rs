//! What an error says, and what caused it.

use std::error::Error;

/// An error and everything that caused it, on one line: only the last cause says what happened. A cause that the message before
/// quotes is not said again.
pub fn with_causes(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut last = said.clone();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !last.contains(&text) {
            said = format!("{said}: {text}");
        }
        last = text;
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
    }
}
