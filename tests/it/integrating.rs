//! The integration guide: its excerpts are those of the programs that run, and its SQL runs as the logins it names.

use std::fs;
use std::path::Path;

use secrecy::ExposeSecret;
use tokio_postgres::{NoTls, SimpleQueryMessage};
use uuid::Uuid;

use crate::harness::World;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");

/// The tenant of the guide's statements.
const TENANT: &str = "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10";

/// A fenced block and the paragraph before it.
struct Block {
    introduction: String,
    language: String,
    code: String,
}

fn blocks() -> Vec<Block> {
    let page = fs::read_to_string(Path::new(DOCS).join("integrating.md")).unwrap();
    let parts: Vec<&str> = page.split("```").collect();
    assert_eq!(parts.len() % 2, 1, "a fence is not closed");
    parts
        .chunks_exact(2)
        .map(|pair| {
            let (language, code) = pair[1].split_once('\n').unwrap();
            let introduction = pair[0].trim_end().rsplit("\n\n").next().unwrap().to_owned();
            Block { introduction, language: language.to_owned(), code: code.to_owned() }
        })
        .collect()
}

/// `x` of an introduction `From [`…`](../examples/x)`.
fn source_of(block: &Block) -> Option<String> {
    let (_, rest) = block.introduction.split_once("](../examples/")?;
    block.introduction.starts_with("From [").then(|| rest.split_once(')').unwrap().0.to_owned())
}

#[test]
fn excerpts_are_of_the_programs_that_are_run() {
    let mut shown = Vec::new();
    for block in blocks() {
        let Some(file) = source_of(&block) else {
            assert_eq!(block.language, "sql", "no program is named for: {}", block.code);
            continue;
        };
        let program = fs::read_to_string(Path::new(DOCS).join("../examples").join(&file)).unwrap();
        assert!(program.contains(&block.code), "{file} has no such lines:\n{}", block.code);
        shown.push(file);
    }
    shown.dedup();
    assert_eq!(
        shown.join(" "),
        "publish/publish.py publish/publish_sqlalchemy.py publish/publish.js publish/publish.rs publish/publish.sql"
    );
}

#[tokio::test]
async fn its_statements_run_as_the_logins_it_names() {
    let world = World::new().await;
    let tenant = Uuid::parse_str(TENANT).unwrap();
    let insert = "INSERT INTO posthorn.tenants (id, name) VALUES ($1, 'guide')";
    world.db.execute(insert, &[&tenant]).await.unwrap();
    world.subscribe(tenant, "https://receiver.example/hook", &["invoice.*"]).await;
    let owner = world.url().expose_secret().to_owned();
    // roles belong to the whole server, and this is the server of every test
    let [billing, tests] = ["billing", "billing_tests"].map(|name| format!("{name}_of_{}", world.database()));
    let make = format!(
        "CREATE ROLE {billing} LOGIN PASSWORD 'word';
         CREATE ROLE {tests} LOGIN PASSWORD 'word' IN ROLE posthorn_publisher, posthorn_readonly"
    );
    world.db.batch_execute(&make).await.unwrap();
    let place = owner.rsplit_once('@').unwrap().1;

    for block in blocks().iter().filter(|block| block.language == "sql" && source_of(block).is_none()) {
        let who = block.introduction.strip_prefix("<!-- run as ").and_then(|rest| rest.strip_suffix(" -->"));
        let url = match who.unwrap_or_else(|| panic!("who runs this?\n{}", block.code)) {
            "the owner" => owner.clone(),
            "billing" => format!("postgres://{billing}:word@{place}"),
            "billing_tests" => format!("postgres://{tests}:word@{place}"),
            other => panic!("nobody is called {other}"),
        };
        let sql = block.code.replace("TO billing;", &format!("TO {billing};"));
        let sql = sql.replace("'invoice-1002'", &format!("'invoice-1002 of {}'", world.database()));
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let mut answered = 0;
        // one by one, as psql sends them
        for statement in sql.split_inclusive(";\n") {
            let messages = client.simple_query(statement).await;
            let messages = messages.unwrap_or_else(|error| panic!("{:?}\n{statement}", error.as_db_error()));
            answered += messages.iter().filter(|message| matches!(message, SimpleQueryMessage::Row(_))).count();
        }
        let expected = ["the owner", "billing", "billing_tests"].iter().position(|name| who == Some(*name));
        assert_eq!(
            Some(answered),
            expected,
            "a publication answers with its id, a look at deliveries with one:\n{sql}"
        );
    }

    let deliveries = world.deliveries(tenant).await;
    assert_eq!(deliveries.len(), 2, "one is muted and one rolled back: {deliveries:?}");
}
