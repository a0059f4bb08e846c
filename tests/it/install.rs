//! Installing with the grants that `docs/postgresql.md` names, each time on a server that has never seen Posthorn: roles are the server's,
//! and who made them decides, since PostgreSQL 16, who may use them.

use posthorn::cli::dev::cluster::{Cluster, ClusterOptions};
use posthorn::store::migrate::{self, MigrateError};
use posthorn::store::{Store, StoreRole};
use posthorn::store::{StoreError, api_keys};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, api, page};

/// A server of its own with a database `app`, and nothing of ours.
struct Fresh {
    cluster: Cluster,
    _folder: TempDir,
}

impl Fresh {
    async fn start() -> Self {
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        let folder = tempfile::Builder::new().prefix("posthorn-install-").permissions(readable).tempdir().unwrap();
        let options = ClusterOptions { data_dir: folder.path().join("pg"), port: None, settings: Vec::new() };
        let cluster = Cluster::start(options).await.unwrap_or_else(|error| panic!("{error}"));
        let fresh = Self { cluster, _folder: folder };
        fresh.administrator("postgres").await.batch_execute("CREATE DATABASE app").await.unwrap();
        fresh
    }

    async fn administrator(&self, database: &str) -> Client {
        connect(&self.cluster.url(database)).await
    }

    /// A login's way to a database, with the password that all have here.
    fn url(&self, login: &str, database: &str) -> SecretString {
        self.url_text(login, database).into()
    }

    fn url_text(&self, login: &str, database: &str) -> String {
        format!("postgres://{login}:choose one@127.0.0.1:{}/{database}", self.cluster.port()).replace(' ', "%20")
    }

    async fn as_login(&self, login: &str) -> Client {
        connect(&self.url_text(login, "app")).await
    }

    async fn major(&self) -> i32 {
        let sql = "SELECT current_setting('server_version_num')::int / 10000";
        self.administrator("app").await.query_one(sql, &[]).await.unwrap().get(0)
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The page's blocks under such a mark, in order.
fn blocks(mark: &str) -> Vec<String> {
    let marked = format!("<!-- {mark} -->\n```sql\n");
    page("postgresql.md").split(&marked).skip(1).map(|rest| rest.split_once("```").unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn the_documented_grants_are_enough_to_install_serve_and_publish() {
    let fresh = Fresh::start().await;
    let administrator = fresh.administrator("app").await;
    let [making] = &blocks("install: as the administrator")[..] else { panic!("one block is the administrator's") };
    administrator.batch_execute(making).await.unwrap();
    administrator.batch_execute("CREATE DATABASE second").await.unwrap();
    administrator
        .batch_execute(
            "CREATE ROLE billing LOGIN PASSWORD 'choose one'; CREATE ROLE support;
             CREATE ROLE second_installer LOGIN CREATEROLE PASSWORD 'choose one';
             GRANT CREATE ON DATABASE second TO second_installer",
        )
        .await
        .unwrap();
    let installer = fresh.url("posthorn_installer", "app");
    assert!(migrate::migrate(&installer).await.unwrap().applied > 0);

    let (second, is_15) = (fresh.url("second_installer", "second"), fresh.major().await == 15);
    if !is_15 {
        let refused = migrate::migrate(&second).await.unwrap_err();
        let MigrateError::Store(error @ StoreError::Denied { .. }) = &refused else { panic!("{refused:?}") };
        let told = error.with_causes();
        assert!(
            told.contains(
                "GRANT posthorn_owner, posthorn_api, posthorn_dispatcher, posthorn_admin, posthorn_rekey TO second_installer"
            ),
            "{told}"
        );
    }
    let given = blocks("install: as the installer");
    assert_eq!(given.len(), 3);
    let by_installer = fresh.as_login("posthorn_installer").await;
    for block in given {
        by_installer.batch_execute(&block).await.unwrap_or_else(|error| panic!("{block}{error:?}"));
    }
    // what it is given is enough, without the right to make roles
    administrator.batch_execute("ALTER ROLE second_installer NOCREATEROLE").await.unwrap();
    assert!(migrate::migrate(&second).await.unwrap().applied > 0);
    let kept = Store::new(&second, StoreRole::Owner, 1, u32::MAX).unwrap();
    api_keys::create(&kept, Uuid::now_v7(), "of the second").await.unwrap();

    serves_and_publishes(&fresh, "posthorn_runner").await;
}

#[tokio::test]
async fn what_the_administrator_makes_ahead_spares_the_right_to_make_roles() {
    let fresh = Fresh::start().await;
    let administrator = fresh.administrator("app").await;
    let [making] = &blocks("prepared: as the administrator")[..] else { panic!("one block prepares") };
    administrator.batch_execute(making).await.unwrap();
    assert!(migrate::migrate(&fresh.url("posthorn_installer", "app")).await.unwrap().applied > 0);
    let billing = "CREATE ROLE billing LOGIN PASSWORD 'choose one'; GRANT posthorn_publisher TO billing";
    administrator.batch_execute(billing).await.unwrap();
    serves_and_publishes(&fresh, "posthorn_installer").await;
}

#[tokio::test]
async fn an_installer_that_may_not_make_roles_is_told_what_it_lacks() {
    let fresh = Fresh::start().await;
    let making = "CREATE ROLE poor LOGIN PASSWORD 'choose one'; GRANT CREATE ON DATABASE app TO poor";
    fresh.administrator("app").await.batch_execute(making).await.unwrap();
    let refused = migrate::migrate(&fresh.url("poor", "app")).await.unwrap_err();
    let MigrateError::Store(error @ StoreError::Denied { .. }) = &refused else { panic!("{refused:?}") };
    assert!(error.with_causes().contains("CREATEROLE"), "{}", error.with_causes());
}

/// The program, logged in as `server`, sends what `billing` publishes.
async fn serves_and_publishes(fresh: &Fresh, server: &str) {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let program = api::start(&fresh.url_text(server, "app"), &[]);
    program.wait_for_line("posthorn is ready on", SOON).await;
    assert!(!program.lines().iter().any(|line| line.contains("superuser")), "{:?}", program.lines());
    let subscribe = format!(
        "INSERT INTO posthorn.tenants (id, name) VALUES ('{TENANT}', 'a');
         INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)
         VALUES ('{TENANT}', '{}', '{{*}}', 'none')",
        receiver.url("/hook")
    );
    fresh.administrator("app").await.batch_execute(&subscribe).await.unwrap();
    let publish = format!(
        "BEGIN; SELECT posthorn.publish('{TENANT}', 'invoice.paid', '{{\"n\": 1}}');
         INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ('{TENANT}', 'invoice.paid', '{{\"n\": 2}}'); COMMIT"
    );
    fresh.as_login("billing").await.batch_execute(&publish).await.unwrap();
    receiver.wait_for(2, SOON).await;
}

const TENANT: &str = "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10";
