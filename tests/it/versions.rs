//! A cross-section of these tests on the newest PostgreSQL, whichever the others run on. `make versions` runs all of them on each version.

use tokio::process::Command;

use crate::contract::{run, tools};

/// What versions of PostgreSQL differ in: rights of roles, plans, catalogues, partitions; and a webhook from `psql` to its receiver.
const CROSS_SECTION: [&str; 8] = [
    "migrate::",
    "install::",
    "schema::the_committed_schema",
    "sql::",
    "isolation_sql::",
    "partitions::",
    "dispatch_claim::",
    "publish::psql_publishes",
];

#[tokio::test]
async fn a_cross_section_passes_on_the_newest_version() {
    if std::env::var_os("POSTHORN_PG_BIN").is_some() {
        eprintln!("not repeated on the newest version: POSTHORN_PG_BIN names the one that is wanted");
        return;
    }
    let newest = tools("postgres-18").await;
    let program = std::env::current_exe().unwrap();
    let told = run(Command::new(program).args(CROSS_SECTION).env("POSTHORN_PG_BIN", newest)).await;
    let (_, result) = told.rsplit_once("test result: ok. ").unwrap();
    let passed: usize = result.split(' ').next().unwrap().parse().unwrap();
    assert!(passed > 4 * CROSS_SECTION.len(), "{told}");
}
