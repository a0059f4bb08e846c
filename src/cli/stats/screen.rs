//! The terminal while the table is live: a screen of its own, and the key that ends it. By the system's own calls and a few of the
//! sequences that every terminal knows: no more is needed for a page of text.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use tokio::sync::Notify;

/// Another screen, without cursor; and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Each line is written over, its rest and what is below are cleared: nothing flickers.
const HOME: &str = "\x1b[H";
const END_OF_LINE: &str = "\x1b[K\r\n";
const END_OF_SCREEN: &str = "\x1b[J";

/// The terminal as we have it; as it was when dropped.
pub(super) struct Screen {
    before: Option<Termios>,
    quit: Arc<Notify>,
}

impl Screen {
    /// Takes the terminal. Where no keys can be had, as without a terminal on standard input, Ctrl-C ends it.
    pub(super) fn open() -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut raw = before.clone();
            // keys one by one and unseen; Ctrl-C stays a signal
            raw.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO);
            raw.special_codes[SpecialCodeIndex::VMIN] = 1;
            raw.special_codes[SpecialCodeIndex::VTIME] = 0;
            termios::tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        }
        let screen = Self { before, quit: Arc::default() };
        if screen.before.is_some() {
            let quit = Arc::clone(&screen.quit);
            // a thread of its own, which may wait for a key when everybody else has gone
            std::thread::spawn(move || await_quit(&quit));
        }
        write!(io::stdout(), "{ENTER}")?;
        Ok(screen)
    }

    /// Columns of the terminal.
    pub(super) fn width(&self) -> Option<usize> {
        let size = termios::tcgetwinsize(io::stdout()).ok()?;
        (size.ws_col > 0).then_some(usize::from(size.ws_col))
    }

    /// Shows a text, as far as there is room.
    pub(super) fn show(&self, text: &str) -> io::Result<()> {
        let rows = termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_row));
        let rows = if rows < 3 { usize::MAX } else { rows - 1 };
        let mut page = String::from(HOME);
        for line in text.lines().take(rows - 1) {
            page.push_str(line);
            page.push_str(END_OF_LINE);
        }
        let help = if self.before.is_some() { "q quits" } else { "Ctrl-C quits" };
        let mut out = io::stdout().lock();
        write!(out, "{page}{help}\x1b[K{END_OF_SCREEN}")?;
        out.flush()
    }

    /// Waits for the key q, or for the terminal to go.
    pub(super) async fn until_quit(&self) {
        self.quit.notified().await;
    }
}

fn await_quit(quit: &Notify) {
    let is_quit = |key: &io::Result<u8>| key.as_ref().map_or(true, |key| b"qQ\x04".contains(key));
    // the end of what is typed, or q
    let _ = io::stdin().lock().bytes().find(is_quit);
    quit.notify_one();
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = write!(io::stdout(), "{LEAVE}"); // a terminal that is gone needs nothing
        if let Some(before) = &self.before {
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
