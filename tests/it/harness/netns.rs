//! An internet of the test's own: two network namespaces of Linux, joined by a cable. In one stand the receivers, on
//! whatever addresses the test wants, with a name server; in the other runs the program, as shipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Binary;

/// Set in the process that runs inside; its value names the namespace of the program.
const INSIDE: &str = "POSTHORN_TEST_HOST";

/// End of the cable where the receivers and the name server are.
pub(crate) const WORLD: &str = "10.77.0.1";
/// The program's own end: a private address, and one that looks public.
pub(crate) const HOST: &str = "10.77.0.2";
/// See [`HOST`].
pub(crate) const HOST_PUBLIC: &str = "185.199.108.153";

/// The two namespaces; gone when dropped, also when the test panics.
struct Internet {
    host: String,
    world: String,
}

/// Where the program runs, seen from the test inside.
pub(crate) struct Host(String);

/// Answers with the program's place when called inside. Outside it makes the namespaces, runs the test of this name
/// again within, and answers with `None` once that has passed; so it does, and says why, where namespaces cannot be had.
pub(crate) fn inside(test: &str, addresses: &[&str]) -> Option<Host> {
    if let Ok(host) = std::env::var(INSIDE) {
        return Some(Host(host));
    }
    let internet = match Internet::new(addresses) {
        Ok(internet) => internet,
        Err(reason) => {
            eprintln!("{test} did not run: it needs network namespaces (ip netns, as root): {reason}");
            return None;
        }
    };
    let output = Command::new("ip")
        .args(["netns", "exec", &internet.world])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, &internet.host)
        .output()
        .unwrap();
    let said = [output.stdout.as_slice(), b"\n", &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "inside the namespace:\n{said}");
    None
}

impl Host {
    /// Starts `posthorn` there.
    pub(crate) fn start(&self, args: &[&str], env: &[(&str, &str)]) -> Binary {
        let program = env!("CARGO_BIN_EXE_posthorn");
        Binary::start_program("ip", &[&["netns", "exec", &self.0, program], args].concat(), env)
    }
}

impl Internet {
    fn new(addresses: &[&str]) -> Result<Self, String> {
        remove_left_over();
        let id = std::process::id();
        let nth = {
            use std::sync::atomic::{AtomicU32, Ordering};
            static NTH: AtomicU32 = AtomicU32::new(0);
            NTH.fetch_add(1, Ordering::Relaxed)
        };
        let internet = Self { host: format!("posthorn-h-{id}-{nth}"), world: format!("posthorn-w-{id}-{nth}") };
        internet.set_up(addresses)?;
        Ok(internet)
    }

    fn set_up(&self, addresses: &[&str]) -> Result<(), String> {
        let Self { host, world } = self;
        for name in [host, world] {
            ip(&format!("netns add {name}"))?;
            ip(&format!("-n {name} link set lo up"))?;
        }
        ip(&format!("-n {world} link add cable type veth peer name cable netns {host}"))?;
        for (name, own) in [(world, WORLD), (host, HOST)] {
            ip(&format!("-n {name} addr add {own}/30 dev cable"))?;
            ip(&format!("-n {name} link set cable up"))?;
        }
        ip(&format!("-n {host} addr add {HOST_PUBLIC}/32 dev cable"))?;
        ip(&format!("-n {host} route add default via {WORLD} src {HOST}"))?;
        for address in addresses {
            ip(&format!("-n {world} addr add {address}/32 dev lo"))?;
        }
        let etc = etc(host);
        let write = |name: &str, text: &str| fs::write(etc.join(name), text);
        fs::create_dir_all(&etc)
            .and_then(|()| write("resolv.conf", &format!("nameserver {WORLD}\n")))
            .and_then(|()| write("nsswitch.conf", "hosts: files dns\n"))
            .map_err(|error| format!("{}: {error}", etc.display()))
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        remove(&self.host);
        remove(&self.world);
    }
}

/// What `ip netns exec` puts in the place of files of `/etc`.
fn etc(namespace: &str) -> PathBuf {
    Path::new("/etc/netns").join(namespace)
}

fn remove(namespace: &str) {
    // what was never made need not be removed
    let _ = ip(&format!("netns del {namespace}"));
    let _ = fs::remove_dir_all(etc(namespace));
}

/// Removes what was left by runs that were killed.
fn remove_left_over() {
    let listed = Command::new("ip").args(["netns", "list"]).output();
    let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    for name in listed.lines().filter_map(|line| line.split_whitespace().next()) {
        let id = name.strip_prefix("posthorn-h-").or_else(|| name.strip_prefix("posthorn-w-"));
        let is_over = |id: &str| !Path::new(&format!("/proc/{id}")).exists();
        if id.and_then(|id| id.split('-').next()).is_some_and(is_over) {
            remove(name);
        }
    }
}

fn ip(command: &str) -> Result<(), String> {
    let output = Command::new("ip").args(command.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {command}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
