//! What the tests act with: real servers to talk to, and verbs to say what they do.

pub(crate) mod hostile;
