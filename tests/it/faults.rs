//! Faults over the real program: what `docs/reliability.md` promises, made to happen.

mod database;
mod input_http;
mod input_parameters;
mod input_scrape;
mod network;
mod network_addresses;
mod network_answers;
mod network_memory;
mod network_menagerie;
mod network_names;
mod network_tls;
mod tenancy_keys;
mod tenancy_pool;
mod tenancy_roles;
mod tenancy_schema;
mod tenancy_secrets;
mod tenancy_web;
