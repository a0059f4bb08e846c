//! Names and addresses as shipped, without a hole in the policy: an internet of two namespaces, with a name server that lies.

use std::time::Duration;

use rustix::process::Signal;
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use super::network::{Came, came_to, dispatcher_env};
use crate::harness::authority::{Authority, names};
use crate::harness::hostile::Hostile;
use crate::harness::name_server::{NameServer, Says};
use crate::harness::netns::{HOST, HOST_PUBLIC, Host, WORLD, inside};
use crate::harness::{Binary, SOON, World, server};

const PUBLIC: &str = "93.184.216.34";
const METADATA: &str = "169.254.169.254";

/// What stands in the world: an honest receiver on a public address, and what must never be reached.
struct Outside {
    world: World,
    tenant: Uuid,
    public: Hostile,
    forbidden: Vec<Hostile>,
    authority: Authority,
}

impl Outside {
    async fn new() -> Self {
        let world = World::new().await;
        let tenant = world.tenant("a").await;
        let authority = Authority::new();
        let acceptor = authority.acceptor(&names(&["good.test", "rebind.test", "mixed.test", PUBLIC]));
        let public = Hostile::start_tls_at(&format!("{PUBLIC}:443"), acceptor, |mut conversation| async move {
            conversation.hear().await;
            conversation.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
        })
        .await;
        let mut forbidden = Vec::new();
        for place in
            [format!("{METADATA}:80"), format!("{METADATA}:443"), format!("{PUBLIC}:5432"), format!("{WORLD}:443")]
        {
            forbidden
                .push(Hostile::start_at(&place, |mut conversation| async move { conversation.hold().await }).await);
        }
        Self { world, tenant, public, forbidden, authority }
    }

    /// The program as shipped, but for the authority that signed the receiver's certificate.
    async fn start(&self, host: &Host, env: &[(&str, &str)]) -> Binary {
        let url = server().socket_url(self.world.database());
        let file = self.authority.file.path().to_str().unwrap();
        let ours = [("DATABASE_URL", url.expose_secret()), ("WEBHOOK_CA_FILE", file), ("WEBHOOK_RETRY_SCHEDULE", "1h")];
        let binary = host.start(&["serve", "--no-migrate"], &[&dispatcher_env(), &ours[..], env].concat());
        binary.wait_for_line("posthorn is ready", SOON).await;
        binary
    }

    /// Sends one event to each of these URLs, and answers with what came of it.
    async fn send_to(&self, urls: &[&str]) -> Vec<Came> {
        for (n, url) in urls.iter().enumerate() {
            self.world.subscribe(self.tenant, url, &[&format!("case.{n}")]).await;
        }
        for n in 0..urls.len() {
            self.world.publish(self.tenant, &format!("case.{n}"), json!({})).await;
        }
        let tried = format!("SELECT count(*) = {} FROM posthorn.webhook_attempts", urls.len());
        self.world.until(&tried).await;
        let mut came = Vec::new();
        for url in urls {
            came.extend(came_to(&self.world, url).await);
        }
        came
    }

    fn nothing_forbidden_was_reached(&self) {
        let reached: Vec<_> =
            self.forbidden.iter().filter(|sink| sink.accepted() > 0).map(|sink| sink.address).collect();
        assert!(reached.is_empty(), "{reached:?}");
    }
}

fn zone(name: &str, times: usize) -> Says {
    match name {
        "good.test" => Says::addresses(&[PUBLIC]),
        "rebind.test" => Says::addresses(if times.is_multiple_of(2) { &[PUBLIC] } else { &[METADATA] }),
        "mixed.test" => Says::addresses(&[PUBLIC, METADATA]),
        "metadata.test" => Says::addresses(&[METADATA]),
        "loopback.test" => Says::addresses(&["127.0.0.1"]),
        "private.test" => Says::addresses(&[WORLD]),
        "self.test" => Says::addresses(&[HOST]),
        "self-public.test" => Says::addresses(&[HOST_PUBLIC]),
        "mapped.test" => Says::addresses(&["::ffff:169.254.169.254"]),
        "nat64.test" => Says::addresses(&["64:ff9b::a9fe:a9fe"]),
        "mixed-families.test" => Says::addresses(&[PUBLIC, "fe80::1"]),
        "empty.test" => Says::addresses(&[]),
        "servfail.test" => Says::Error(2),
        name if name.starts_with("slow") => Says::Nothing,
        _ => Says::Error(3),
    }
}

#[tokio::test]
async fn a_lying_name_server_leads_nowhere() {
    let test = "faults::network_names::a_lying_name_server_leads_nowhere";
    let Some(host) = inside(test, &[PUBLIC, METADATA]) else { return };
    let outside = Outside::new().await;
    let _names = NameServer::start(&format!("{WORLD}:53"), zone);
    let _binary = outside.start(&host, &[]).await;
    let own = format!("https://{HOST_PUBLIC}:8080/");
    let cases = [
        ("https://good.test/", None, ""),
        ("https://93.184.216.34/", None, ""),
        ("https://mixed.test/", Some("blocked"), "not a public one"),
        ("https://mixed-families.test/", Some("blocked"), "not a public one"),
        ("https://metadata.test/", Some("blocked"), "not a public one"),
        ("https://169.254.169.254/latest/", Some("blocked"), "not a public one"),
        ("https://2852039166/latest/", Some("blocked"), "not a public one"),
        ("https://loopback.test:8080/", Some("blocked"), "not a public one"),
        ("https://private.test/", Some("blocked"), "not a public one"),
        ("https://self.test:8080/", Some("blocked"), "not a public one"),
        ("https://self-public.test:8080/", Some("blocked"), "this server's own"),
        (own.as_str(), Some("blocked"), "this server's own"),
        ("https://mapped.test/", Some("blocked"), "not a public one"),
        ("https://nat64.test/", Some("blocked"), "not a public one"),
        ("https://good.test:5432/", Some("blocked"), "port 5432 is not allowed"),
        ("https://nx.test/", Some("dns"), "could not be resolved"),
        ("https://servfail.test/", Some("dns"), "could not be resolved"),
        ("https://empty.test/", Some("dns"), "could not be resolved"),
        ("https://slow.test/", Some("dns"), "not resolved within 3 s"),
        ("https://199.9.14.201/", Some("connect"), "no connection within 5 s"),
    ];
    let came = outside.send_to(&cases.map(|(url, ..)| url)).await;
    for ((url, kind, text), came) in cases.into_iter().zip(&came) {
        assert_eq!(came.kind.as_deref(), kind, "{url}: {came:?}");
        assert!(came.error.as_deref().unwrap_or_default().contains(text), "{url}: {came:?}");
        let budget = if url.contains("slow") { 3000..5000 } else { 0..7000 };
        assert!(budget.contains(&came.duration_ms), "{url}: {came:?}");
    }
    assert_eq!(outside.public.requests().len(), 2);
    outside.nothing_forbidden_was_reached();
}

#[tokio::test]
async fn a_name_that_changes_its_address_is_vetted_each_time_and_dialled_where_it_was_vetted() {
    let test =
        "faults::network_names::a_name_that_changes_its_address_is_vetted_each_time_and_dialled_where_it_was_vetted";
    let Some(host) = inside(test, &[PUBLIC, METADATA]) else { return };
    let outside = Outside::new().await;
    let names = NameServer::start(&format!("{WORLD}:53"), zone);
    let _binary = outside.start(&host, &[]).await;
    let url = "https://rebind.test/";
    outside.world.subscribe(outside.tenant, url, &["*"]).await;
    for n in 1..=8 {
        outside.world.publish(outside.tenant, "invoice.paid", json!({})).await;
        outside.world.until(&format!("SELECT count(*) = {n} FROM posthorn.webhook_attempts")).await;
    }
    let kinds: Vec<_> = came_to(&outside.world, url).await.into_iter().map(|came| came.kind).collect();
    let wanted: Vec<_> = (0..8).map(|n| (n % 2 == 1).then(|| "blocked".to_owned())).collect();
    assert_eq!(kinds, wanted);
    assert_eq!((outside.public.requests().len(), names.asked()), (4, 16));
    outside.nothing_forbidden_was_reached();
}

#[tokio::test]
async fn names_that_nobody_answers_for_do_not_keep_other_names_waiting() {
    let test = "faults::network_names::names_that_nobody_answers_for_do_not_keep_other_names_waiting";
    let Some(host) = inside(test, &[PUBLIC, METADATA]) else { return };
    let outside = Outside::new().await;
    let _names = NameServer::start(&format!("{WORLD}:53"), zone);
    let world = &outside.world;
    let healthy = world.tenant("healthy").await;
    world.subscribe(healthy, "https://good.test/", &["*"]).await;
    // without a circuit that would spare them, as many as one tenant may have in flight, for several rounds of the name server
    let sql = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing, circuit_failures)
               SELECT $1, 'https://slow-' || n || '.test/', '{*}', 'none', 0 FROM generate_series(1, 400) n";
    world.db.execute(sql, &[&outside.tenant]).await.unwrap();
    let _binary = outside.start(&host, &[]).await;
    for _ in 0..4 {
        world.publish(outside.tenant, "invoice.paid", json!({})).await;
    }
    world.until("SELECT count(*) >= 200 FROM posthorn.webhook_deliveries WHERE status = 'sending'").await;
    // well beyond the time after which the system gives a look-up up
    let mut served = 0;
    while world.count("SELECT count(*) FROM posthorn.webhook_attempts WHERE error_kind = 'dns'").await < 1000 {
        world.publish(healthy, "invoice.paid", json!({})).await;
        served += 1;
        let tried = format!("SELECT count(*) = {served} FROM posthorn.webhook_attempts WHERE tenant_id = '{healthy}'");
        world.until(&tried).await;
    }
    let came = came_to(world, "https://good.test/").await;
    let worst = came.iter().map(|came| came.duration_ms).max();
    assert!(came.iter().all(|came| came.kind.is_none()) && worst < Some(2000), "{came:?}");
    let slow = "SELECT count(*) = 0 FROM posthorn.webhook_attempts WHERE error_kind <> 'dns' OR duration_ms > 5000";
    world.until(slow).await;
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_name_that_nobody_answers_for() {
    let test = "faults::network_names::the_end_does_not_wait_for_a_name_that_nobody_answers_for";
    let Some(host) = inside(test, &[PUBLIC, METADATA]) else { return };
    let outside = Outside::new().await;
    let _names = NameServer::start(&format!("{WORLD}:53"), zone);
    let binary = outside.start(&host, &[]).await;
    // given up after 3 s, while the system asks on for 10
    outside.send_to(&["https://slow.test/"]).await;
    binary.signal(Signal::TERM);
    assert!(binary.wait_exit(Duration::from_secs(4)).await.success());
}

#[tokio::test]
async fn a_silent_host_of_the_database_leaves_time_for_the_next() {
    let test = "faults::network_names::a_silent_host_of_the_database_leaves_time_for_the_next";
    let Some(host) = inside(test, &[PUBLIC, METADATA]) else { return };
    let world = World::new().await;
    let url = server().socket_url(world.database());
    // a host of the authority may be a folder of sockets
    let (folder, port) = (server().socket_folder().replace('/', "%2F"), server().port());
    let (login, _) = url.expose_secret().split_once('@').unwrap();
    let url = format!("{login}@199.9.14.201:{port},{folder}:{port}/{}", world.database());
    let binary = host.start(&["serve", "--no-migrate"], &[&dispatcher_env()[..], &[("DATABASE_URL", &url)]].concat());
    binary.wait_for_line("posthorn is ready", SOON).await;
}
