//! Faults over the real program: what `docs/reliability.md` promises, made to happen.

mod database;
mod network;
mod network_addresses;
mod network_answers;
mod network_memory;
mod network_menagerie;
mod network_names;
mod network_tls;
