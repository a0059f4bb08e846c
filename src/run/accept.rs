//! Accepting connections when the process has no file descriptor left: the server would try again at once, for ever and with
//! a whole CPU.

use std::io;
use std::time::Duration;

use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};

/// Pause after a connection that could not be accepted: callers wait in the kernel's queue meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// An acceptor that pauses after a failure.
pub(super) struct Patient<A>(pub(super) A);

impl<A: Acceptor> Acceptor for Patient<A> {
    type Io = A::Io;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.0.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, poem::http::uri::Scheme)> {
        let accepted = self.0.accept().await;
        if let Err(error) = &accepted {
            tracing::warn!(error = %error, "a connection could not be accepted");
            tokio::time::sleep(PAUSE).await;
        }
        accepted
    }
}
