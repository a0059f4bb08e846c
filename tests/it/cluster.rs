//! The server that `posthorn dev` and these tests run on: it keeps what was committed, and says what is wrong.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use posthorn::cli::dev::cluster::binaries::Binaries;
use posthorn::cli::dev::cluster::{Cluster, ClusterError, ClusterOptions};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// A folder that the account running the server may enter too, when root runs the tests.
fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("posthorn-cluster-").tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn options(folder: &TempDir) -> ClusterOptions {
    ClusterOptions { data_dir: folder.path().join("pg"), port: None, settings: Vec::new() }
}

async fn connect(cluster: &Cluster) -> Client {
    let (client, connection) = tokio_postgres::connect(&cluster.url("postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn count(cluster: &Cluster) -> i64 {
    connect(cluster).await.query_one("SELECT count(*) FROM kept", &[]).await.unwrap().get(0)
}

async fn write_a_row(cluster: &Cluster) {
    connect(cluster)
        .await
        .batch_execute("CREATE TABLE IF NOT EXISTS kept (id int); INSERT INTO kept VALUES (1)")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_second_start_continues_with_the_data() {
    let folder = folder();
    let mut cluster = Cluster::start(options(&folder)).await.unwrap();
    write_a_row(&cluster).await;
    cluster.stop().await.unwrap();
    assert_eq!(cluster.pid(), None);

    let cluster = Cluster::start(options(&folder)).await.unwrap();

    assert_eq!(count(&cluster).await, 1);
    assert_eq!(cluster.data_dir(), folder.path().join("pg"));
}

#[tokio::test]
async fn a_committed_row_survives_a_kill() {
    let folder = folder();
    let mut cluster = Cluster::start(options(&folder)).await.unwrap();
    write_a_row(&cluster).await;
    let (port, open_session) = (cluster.port(), connect(&cluster).await);

    cluster.kill().await;
    assert!(open_session.simple_query("SELECT 1").await.is_err(), "the backend outlived the kill");
    cluster.restart().await.unwrap();

    assert_eq!(count(&cluster).await, 1);
    assert_eq!(cluster.port(), port);
}

#[tokio::test]
async fn durability_is_on_and_settings_are_passed_on() {
    let folder = folder();
    let settings = vec![("max_connections".to_owned(), "37".to_owned())];
    let cluster = Cluster::start(ClusterOptions { settings, ..options(&folder) }).await.unwrap();
    let client = connect(&cluster).await;

    for (name, expected) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("max_connections", "37"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", "127.0.0.1"),
        ("password_encryption", "scram-sha-256"),
    ] {
        let value: String = client.query_one("SELECT current_setting($1)", &[&name]).await.unwrap().get(0);
        assert_eq!(value, expected, "{name}");
    }
}

#[tokio::test]
async fn the_password_is_needed_and_only_its_owner_can_read_it() {
    let folder = folder();
    let cluster = Cluster::start(options(&folder)).await.unwrap();
    let without = format!("postgres://postgres@127.0.0.1:{}/postgres", cluster.port());

    assert!(tokio_postgres::connect(&without, NoTls).await.is_err());
    let mode = fs::metadata(folder.path().join("pg.password")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let password = fs::read_to_string(folder.path().join("pg.password")).unwrap();
    assert!(!format!("{cluster:?}").contains(password.trim()), "Debug shows the password");
}

#[tokio::test]
async fn a_second_start_on_a_live_folder_is_refused_naming_the_process() {
    let folder = folder();
    let cluster = Cluster::start(options(&folder)).await.unwrap();
    let pid = cluster.pid().unwrap();

    let error = Cluster::start(options(&folder)).await.unwrap_err();

    assert!(matches!(error, ClusterError::AlreadyRunning { pid: named, .. } if named == pid), "{error}");
    assert!(error.to_string().contains(&pid.to_string()), "{error}");
    connect(&cluster).await;
}

#[tokio::test]
async fn a_stale_lock_file_of_another_program_is_no_obstacle() {
    let folder = folder();
    let mut cluster = Cluster::start(options(&folder)).await.unwrap();
    cluster.stop().await.unwrap();
    let lock = format!("{}\n{}\n", std::process::id(), cluster.data_dir().display());
    fs::write(cluster.data_dir().join("postmaster.pid"), lock).unwrap();

    let cluster = Cluster::start(options(&folder)).await.unwrap();

    connect(&cluster).await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = folder();

    let error = Cluster::start(ClusterOptions { port: Some(port), ..options(&folder) }).await.unwrap_err();

    assert!(matches!(error, ClusterError::PortTaken { port: named } if named == port), "{error}");
    assert!(error.to_string().contains(&format!("port {port} on 127.0.0.1 is in use")), "{error}");
}

#[tokio::test]
async fn a_bad_setting_is_shown_with_the_last_lines_of_the_log() {
    let folder = folder();
    let settings = vec![("shared_buffers".to_owned(), "a lot".to_owned())];

    let error = Cluster::start(ClusterOptions { settings, ..options(&folder) }).await.unwrap_err().to_string();

    assert!(error.contains("pg.log"), "{error}");
    assert!(error.contains("invalid value for parameter \"shared_buffers\""), "{error}");
}

#[tokio::test]
async fn a_cluster_of_another_version_is_refused_naming_both() {
    let folder = folder();
    let mut cluster = Cluster::start(options(&folder)).await.unwrap();
    cluster.stop().await.unwrap();
    fs::write(cluster.data_dir().join("PG_VERSION"), "9999\n").unwrap();

    let error = Cluster::start(options(&folder)).await.unwrap_err();

    assert!(matches!(error, ClusterError::VersionMismatch { data: 9999, .. }), "{error}");
    assert!(error.to_string().contains("made by PostgreSQL 9999 but the installed server is"), "{error}");
}

#[tokio::test]
async fn a_folder_with_something_else_in_it_is_left_alone() {
    let folder = folder();
    let data_dir = folder.path().join("pg");
    fs::create_dir(&data_dir).unwrap();
    fs::write(data_dir.join("thesis.txt"), "years of work").unwrap();

    let error = Cluster::start(options(&folder)).await.unwrap_err();

    assert!(matches!(error, ClusterError::NotACluster { .. }), "{error}");
    assert_eq!(fs::read_to_string(data_dir.join("thesis.txt")).unwrap(), "years of work");
}

#[test]
fn missing_binaries_name_the_package_to_install() {
    let folder = folder();

    let error = Binaries::find_in(&[folder.path().to_owned(), PathBuf::from("/nowhere")]).unwrap_err().to_string();

    assert!(error.contains("apt-get install postgresql"), "{error}");
    assert!(error.contains("POSTHORN_PG_BIN"), "{error}");
    assert!(error.contains("/nowhere"), "{error}");
}

#[tokio::test]
async fn a_folder_the_server_cannot_enter_moves_the_cluster_when_root_asks() {
    let folder = folder();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let options = || ClusterOptions { data_dir: closed.join("pg"), port: None, settings: Vec::new() };

    let mut cluster = Cluster::start(options()).await.unwrap();
    let place = cluster.data_dir().to_owned();
    write_a_row(&cluster).await;
    cluster.stop().await.unwrap();
    let cluster = Cluster::start(options()).await.unwrap();

    assert_eq!(cluster.data_dir(), place);
    assert_eq!(count(&cluster).await, 1);
    if we_are_root(&closed) {
        assert!(place.starts_with("/var/tmp"), "{}", place.display());
        drop(cluster);
        fs::remove_dir_all(place.parent().unwrap()).unwrap();
    } else {
        assert_eq!(place, closed.join("pg"));
    }
}

/// Whoever made the folder is who we are.
fn we_are_root(made_by_us: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(made_by_us).unwrap().uid() == 0
}
