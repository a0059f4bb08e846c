//! A PostgreSQL server of one test's own, where roles can be changed and everything logged without anybody else noticing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use posthorn::cli::dev::cluster::{Cluster, ClusterOptions};
use posthorn::store::api_keys::{self, ApiKey};
use posthorn::store::{Store, StoreRole, migrate};
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio_postgres::Client;
use uuid::Uuid;

use super::api::start;
use super::world::connect;
use super::{Api, Binary, SOON};

/// Database of [`OwnCluster`].
const DATABASE: &str = "posthorn";

/// A server with the schema in one database.
pub(crate) struct OwnCluster {
    cluster: Cluster,
    _folder: TempDir,
}

impl OwnCluster {
    /// Starts it with these settings and migrates.
    pub(crate) async fn new(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("posthorn-own-").tempdir().unwrap();
        // the account that runs the server must enter it, also when root runs the tests
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let options = ClusterOptions { data_dir: folder.path().join("pg"), port: None, settings };
        let cluster = Cluster::start(options).await.unwrap();
        let own = Self { cluster, _folder: folder };
        connect(&own.cluster.url("postgres"))
            .await
            .batch_execute(&format!("CREATE DATABASE {DATABASE}"))
            .await
            .unwrap();
        migrate::migrate(&own.url().into()).await.unwrap();
        own
    }

    /// Its database, as superuser.
    pub(crate) fn url(&self) -> String {
        self.cluster.url(DATABASE)
    }

    /// The same as a new login with a password and these roles.
    pub(crate) async fn login(&self, name: &str, password: &str, roles: &str) -> String {
        let grant = if roles.is_empty() { String::new() } else { format!("; GRANT {roles} TO {name}") };
        let sql = format!("CREATE ROLE {name} LOGIN PASSWORD '{password}'{grant}");
        self.client().await.batch_execute(&sql).await.unwrap();
        self.as_login(name, password)
    }

    /// The same as a login that is there.
    pub(crate) fn as_login(&self, name: &str, password: &str) -> String {
        format!("postgres://{name}:{password}@127.0.0.1:{}/{DATABASE}", self.cluster.port())
    }

    /// A connection as superuser.
    pub(crate) async fn client(&self) -> Client {
        connect(&self.url()).await
    }

    /// Everything that the server has logged.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.cluster.log_file()).unwrap()).into_owned()
    }

    /// A new key of a tenant.
    pub(crate) async fn key(&self, tenant: Uuid) -> ApiKey {
        let owner = Store::new(&self.url().into(), StoreRole::Owner, 1, 262_144).unwrap();
        api_keys::create(&owner, tenant, "of a test").await.unwrap().key
    }

    /// Runs `posthorn serve` as the login of `url`; answers with it and a caller without a key.
    pub(crate) async fn serve(&self, url: &str, settings: &[(&str, &str)]) -> (Binary, Api) {
        let binary = start(url, settings);
        let ready = binary.wait_for_line("posthorn is ready on http://", SOON).await;
        let api = Api::nobody_at(ready.rsplit("http://").next().unwrap());
        (binary, api)
    }
}

impl Api {
    /// The same caller with this key.
    pub(crate) fn with_key(self, key: &ApiKey) -> Self {
        self.bearer(key.expose().expose_secret())
    }
}
