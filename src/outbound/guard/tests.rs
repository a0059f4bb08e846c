//! Tables and properties of the guard, from spelling in a URL to refusal.

use proptest::prelude::*;
use url::{Host, Url};

use super::*;

/// Vets what a URL's host becomes after parsing, as a sender would dial it.
fn vet_host(host: &str) -> Result<(), Refusal> {
    let url = Url::parse(&format!("https://{host}/")).expect("a URL");
    let ip = match url.host().expect("a host") {
        Host::Ipv4(ip) => IpAddr::V4(ip),
        Host::Ipv6(ip) => IpAddr::V6(ip),
        Host::Domain(name) => panic!("{host} stayed a name: {name}"),
    };
    Guard::default().vet(SocketAddr::new(ip, 443))
}

fn vet_with(allow: &[&str], address: &str) -> Result<(), Refusal> {
    let allow = allow.iter().map(|net| net.parse().expect("a network")).collect();
    Guard::new(allow).vet(address.parse().expect("an address with a port"))
}

#[test]
fn special_ipv4_addresses_are_denied() {
    for host in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.0",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.168.0.1",
        "192.168.255.255",
        "192.175.48.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
    ] {
        assert_eq!(vet_host(host), Err(Refusal::Address), "{host}");
    }
}

#[test]
fn neighbours_of_special_ipv4_networks_are_public() {
    for host in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "93.184.216.34",
    ] {
        assert_eq!(vet_host(host), Ok(()), "{host}");
    }
}

#[test]
fn ipv4_in_every_spelling_of_a_url_is_denied() {
    for host in [
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "①②⑦.⓪.⓪.①",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "0",
        "0x7f000001",
        "017700000001",
        "10.1",
        "169.254.43518",
    ] {
        assert_eq!(vet_host(host), Err(Refusal::Address), "{host}");
    }
}

#[test]
fn only_ordinary_global_ipv6_addresses_are_public() {
    for host in [
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:8.8.8.8]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[::5efe:7f00:1]",
        "[2a00:1450::5efe:7f00:1]",
        "[2a00:1450::200:5efe:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b::808:808]",
        "[64:ff9b:1::1]",
        "[100::1]",
        "[2001::1]",
        "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
        "[2001:1ff::1]",
        "[2001:db8::1]",
        "[2002:7f00:1::]",
        "[2002:808:808::]",
        "[2620:4f:8000::1]",
        "[3fff:fff::1]",
        "[4000::1]",
        "[5f00::1]",
        "[8000::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
    ] {
        assert_eq!(vet_host(host), Err(Refusal::Address), "{host}");
    }
    for host in ["[2606:4700::1111]", "[2a00:1450:4001::8a]", "[2001:200::1]", "[2620:4f:8001::1]", "[3fff:1000::1]"] {
        assert_eq!(vet_host(host), Ok(()), "{host}");
    }
}

#[test]
fn an_address_with_a_scope_is_denied_and_a_url_cannot_name_one() {
    assert_eq!(vet_with(&[], "[2606:4700::1111%2]:443"), Err(Refusal::Address));
    assert!(Url::parse("https://[fe80::1%25lo]/").is_err());
}

#[test]
fn ports_of_other_services_are_denied_on_public_addresses() {
    for port in [0, 22, 25, 53, 110, 143, 389, 445, 1433, 2375, 3306, 5432, 6379, 9200, 11211, 27017] {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(93, 184, 216, 34)), port);
        assert_eq!(Guard::default().vet(address), Err(Refusal::Port(port)));
    }
    for port in [80, 443, 3000, 8000, 8080, 8443, 9443, 40_000] {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(93, 184, 216, 34)), port);
        assert_eq!(Guard::default().vet(address), Ok(()));
    }
    assert!(DENIED_PORTS.is_sorted(), "the binary search needs them in order");
}

#[test]
fn allowed_networks_are_exempt_on_every_port() {
    assert_eq!(vet_with(&["127.0.0.0/8"], "127.0.0.1:5432"), Ok(()));
    assert_eq!(vet_with(&["127.0.0.0/8"], "[::ffff:127.0.0.1]:22"), Ok(()));
    assert_eq!(vet_with(&["10.1.0.0/16", "fd00::/8"], "[fd00::1]:80"), Ok(()));
    assert_eq!(vet_with(&["10.1.0.0/16"], "10.2.0.1:80"), Err(Refusal::Address));
    assert_eq!(vet_with(&["127.0.0.0/8"], "[::1]:80"), Err(Refusal::Address));
    assert_eq!(vet_with(&["127.0.0.0/8"], "[::127.0.0.1]:80"), Err(Refusal::Address));
    assert_eq!(vet_with(&["127.0.0.0/8"], "[64:ff9b::7f00:1]:80"), Err(Refusal::Address));
}

/// Some address of some denied IPv4 network.
fn denied_v4() -> impl Strategy<Value = Ipv4Addr> {
    (0..DENIED_V4.len(), any::<u32>()).prop_map(|(row, noise)| {
        let (first, prefix) = DENIED_V4[row];
        Ipv4Addr::from_bits(first.to_bits() | noise.checked_shr(prefix).unwrap_or(0))
    })
}

proptest! {
    #[test]
    fn every_embedding_of_a_denied_ipv4_address_in_ipv6_is_denied(v4 in denied_v4(), noise in any::<u128>()) {
        let v4_bits = u128::from(v4.to_bits());
        let embeddings = [
            ("mapped", 0xffff << 32 | v4_bits),
            ("compatible", v4_bits),
            ("translated", 0xffff << 48 | v4_bits),
            ("NAT64", 0x64_ff9b << 96 | v4_bits),
            ("local NAT64", 0x64_ff9b_0001 << 80 | v4_bits),
            ("6to4", 0x2002 << 112 | v4_bits << 80 | noise >> 48),
            ("Teredo server", 0x2001 << 112 | v4_bits << 64 | noise >> 64),
            ("Teredo client", 0x2001 << 112 | (noise & 0xffff_ffff_ffff_ffff) << 32 | (v4_bits ^ 0xffff_ffff)),
            ("ISATAP, link-local", 0xfe80 << 112 | 0x5efe << 32 | v4_bits),
            ("ISATAP, global", 0x2a00 << 112 | (noise & 0xffff_ffff) << 64 | 0x0200_5efe << 32 | v4_bits),
        ];
        for (form, bits) in embeddings {
            let address = SocketAddr::new(IpAddr::V6(Ipv6Addr::from_bits(bits)), 443);
            prop_assert_eq!(Guard::default().vet(address), Err(Refusal::Address), "{}: {}", form, address);
        }
        prop_assert_eq!(Guard::default().vet(SocketAddr::new(IpAddr::V4(v4), 443)), Err(Refusal::Address));
    }

    #[test]
    fn an_ipv6_address_outside_2000_3_is_denied(bits in any::<u128>()) {
        prop_assume!(bits >> 125 != 1);
        let address = SocketAddr::new(IpAddr::V6(Ipv6Addr::from_bits(bits)), 443);
        prop_assert_eq!(Guard::default().vet(address), Err(Refusal::Address));
    }
}
