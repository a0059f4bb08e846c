//! Which addresses may be dialled, in every form an address can be written: the guard against ranges written down here a
//! second time, from the registries, when a URL is saved and when it is dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use ipnet::{Ipv4Net, Ipv6Net};
use posthorn::domain::delivery::ErrorKind;
use posthorn::domain::subscription::ReceiverUrl;
use posthorn::outbound::guard::Guard;
use posthorn::outbound::{Outbound, OutboundOptions, Outcome};
use proptest::prelude::*;
use tokio::runtime::Runtime;
use url::{Host, Url};

use crate::outbound::{options, request};

/// Not for the public internet (IANA IPv4 special-purpose registry), and Azure's host address.
const NOT_PUBLIC_V4: &str = "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 \
    192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 \
    198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32";

/// Within 2000::/3, but not for the public internet (IANA IPv6 special-purpose registry): protocols and Teredo,
/// documentation, 6to4, AS112, documentation.
const NOT_PUBLIC_V6: &str = "2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20";

/// What the guard must decide, without the guard.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => !NOT_PUBLIC_V4.split_whitespace().any(|net| net.parse::<Ipv4Net>().unwrap().contains(&v4)),
        IpAddr::V6(v6) => {
            let text = v6.octets().map(|byte| format!("{byte:02x}")).concat();
            let is_isatap = ["00005efe", "02005efe"].contains(&&text[16..24]);
            let [.., a, b, c, d] = v6.octets();
            "2000::/3".parse::<Ipv6Net>().unwrap().contains(&v6)
                && !NOT_PUBLIC_V6.split_whitespace().any(|net| net.parse::<Ipv6Net>().unwrap().contains(&v6))
                && (!is_isatap || is_public(Ipv4Addr::new(a, b, c, d).into()))
        }
    }
}

/// An IPv4 address: half of them from ranges that matter.
fn v4() -> impl Strategy<Value = Ipv4Addr> {
    let nets: Vec<Ipv4Net> = NOT_PUBLIC_V4.split_whitespace().map(|net| net.parse().unwrap()).collect();
    let special = (0..nets.len(), any::<u32>(), -1i64..=1).prop_map(move |(nth, noise, beside)| {
        let net = nets[nth];
        let inside = u32::from(net.network()) | (noise & u32::from(net.hostmask()));
        // some just outside of the range
        let edge = if beside < 0 {
            i64::from(u32::from(net.network())) - 1
        } else {
            i64::from(u32::from(net.broadcast())) + 1
        };
        Ipv4Addr::from(if beside == 0 { inside } else { u32::try_from(edge.clamp(0, i64::from(u32::MAX))).unwrap() })
    });
    prop_oneof![special, any::<u32>().prop_map(Ipv4Addr::from)]
}

/// One number as a part of an IPv4 address, in a radix.
fn part(number: u32, radix: u8) -> String {
    match radix % 4 {
        0 => number.to_string(),
        1 => format!("0x{number:x}"),
        2 => format!("0X{number:08X}"),
        _ => format!("0{number:o}"),
    }
}

/// An address in a spelling that some resolver or parser somewhere takes for it: 1 to 4 parts, each in its radix.
fn spelt(ip: Ipv4Addr, parts: u8, radix: [u8; 4], dress: u8) -> String {
    let bits = u32::from(ip);
    let [a, b, c, d] = ip.octets().map(u32::from);
    let numbers = match parts % 4 {
        0 => vec![bits],
        1 => vec![a, bits & 0x00ff_ffff],
        2 => vec![a, b, bits & 0xffff],
        _ => vec![a, b, c, d],
    };
    let plain = numbers.into_iter().zip(radix).map(|(number, radix)| part(number, radix)).collect::<Vec<_>>().join(".");
    match dress % 7 {
        0 => plain,
        1 => format!("{plain}."),
        2 => plain.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        // full-width, and circled, forms of letters and digits
        3 => plain.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect(),
        4 => plain.chars().map(|c| c.to_digit(10).map_or(c, circled)).collect(),
        5 => plain.replace('.', "\u{3002}"),
        _ => plain.replace('.', "\u{ff61}"),
    }
}

fn circled(digit: u32) -> char {
    if digit == 0 { '⓪' } else { char::from_u32(0x2460 + digit - 1).unwrap() }
}

/// Every way to carry an IPv4 address in an IPv6 one.
fn embeddings(v4: Ipv4Addr, noise: u128) -> Vec<(&'static str, Ipv6Addr)> {
    let text = |text: String| text.parse::<Ipv6Addr>().unwrap();
    let [a, b, c, d] = v4.octets();
    let (high, low) = (format!("{a:02x}{b:02x}"), format!("{c:02x}{d:02x}"));
    let [n1, n2, n3, ..] = Ipv6Addr::from(noise).segments();
    let inverted = Ipv4Addr::from(!u32::from(v4)).octets();
    let (not_high, not_low) =
        (format!("{:02x}{:02x}", inverted[0], inverted[1]), format!("{:02x}{:02x}", inverted[2], inverted[3]));
    vec![
        ("mapped", text(format!("::ffff:{v4}"))),
        ("compatible", text(format!("::{v4}"))),
        ("translated", text(format!("::ffff:0:{v4}"))),
        ("NAT64", text(format!("64:ff9b::{v4}"))),
        ("local NAT64 /48", text(format!("64:ff9b:1:{high}:{:x}:{low}::", n1 & 0xff))),
        ("local NAT64 /96", text(format!("64:ff9b:1:{n1:x}:{n2:x}:{n3:x}:{high}:{low}"))),
        ("6to4", text(format!("2002:{high}:{low}::{n1:x}"))),
        ("Teredo server", text(format!("2001:0:{high}:{low}:{n1:x}::"))),
        ("Teredo client", text(format!("2001::{n1:x}:{n2:x}:{not_high}:{not_low}"))),
        ("link-local", text(format!("fe80::{v4}"))),
        ("site-local", text(format!("fec0::{n1:x}:{high}:{low}"))),
        ("unique local", text(format!("fd00:{n1:x}::{v4}"))),
        ("ISATAP, link-local", text(format!("fe80::5efe:{v4}"))),
        ("ISATAP, global", text(format!("2a00:{n1:x}:{n2:x}:0:0:5efe:{high}:{low}"))),
        ("ISATAP, global and unique", text(format!("2a00:{n1:x}:{n2:x}:0:200:5efe:{high}:{low}"))),
    ]
}

/// The host that is saved for a URL with this one; `None` where the URL is refused.
fn saved(host: &str) -> Option<Host<String>> {
    let url = ReceiverUrl::parse("url", &format!("https://{host}/hook"), false).ok()?;
    Url::parse(url.as_str()).unwrap().host().map(|host| host.to_owned())
}

/// What sending as shipped to this host comes to, with nobody's leave to connect to what is public.
fn is_blocked(host: &str) -> bool {
    static SENDING: OnceLock<(Runtime, Outbound)> = OnceLock::new();
    let (runtime, outbound) = SENDING.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        (runtime, Outbound::new(OutboundOptions { allow_networks: Vec::new(), ..options() }).unwrap())
    });
    let sending = outbound.send(request(format!("https://{host}/hook")), Duration::from_secs(2));
    let outcome = runtime.block_on(sending).outcome;
    matches!(outcome, Outcome::NotAnswered(failure) if failure.kind == ErrorKind::Blocked)
}

fn vetted(ip: IpAddr) -> bool {
    Guard::default().vet(SocketAddr::new(ip, 443)).is_ok()
}

#[test]
fn addresses_that_clouds_answer_on_are_blocked_when_dialled() {
    for host in [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.42.42",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "[fd00:ec2::254]",
        "[fd20:ce::254]",
        "[fe80::a9fe:a9fe]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "0xa9.0xfe.0xa9.0xfe",
        "2852039166",
        "0251.0376.0251.0376",
        "169.254.43518",
        "①⑥⑨.②⑤④.①⑥⑨.②⑤④",
        "%31%36%39.254.169.254",
        "169。254。169。254",
        "169.254.169.254.",
        "localhost",
        "LOCALHOST",
    ] {
        assert!(is_blocked(host), "{host}");
    }
}

#[test]
fn scope_ids_brackets_and_userinfo_hide_no_address() {
    for host in [
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[::1%251]",
        "[::1",
        "::1",
        "[[::1]]",
        "example.com@127.0.0.1",
        "127.0.0.1:80@example.com",
        "256.1.1.1",
        "127.0.0.0x100",
        "1.2.3.4.5",
        "0x7f.1.",
        "4294967296",
    ] {
        let is_spelling_of_loopback = saved(host) == Some(Host::Ipv4(Ipv4Addr::LOCALHOST));
        assert!(saved(host).is_none() || is_spelling_of_loopback && is_blocked(host), "{host}: {:?}", saved(host));
    }
}

proptest! {
    #[test]
    fn an_ipv4_address_is_saved_as_itself_in_whatever_spelling_and_blocked_unless_public(
        ip in v4(), parts in any::<u8>(), radix in any::<[u8; 4]>(), dress in any::<u8>(),
    ) {
        let host = spelt(ip, parts, radix, dress);
        prop_assert_eq!(saved(&host), Some(Host::Ipv4(ip)), "{}", host);
        prop_assert_eq!(vetted(ip.into()), is_public(ip.into()), "{}", ip);
        if !is_public(ip.into()) {
            prop_assert!(is_blocked(&host), "{} is {}", host, ip);
        }
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_one_is_never_reached_that_way(ip in v4(), noise in any::<u128>()) {
        for (form, v6) in embeddings(ip, noise) {
            let allowed = is_public(v6.into());
            // only an address that is global in itself may carry one, and then only a public one
            prop_assert!(!allowed || form.starts_with("ISATAP, global") && is_public(ip.into()), "{}: {}", form, v6);
            prop_assert_eq!(vetted(v6.into()), allowed, "{}: {}", form, v6);
            prop_assert_eq!(saved(&format!("[{v6}]")), Some(Host::Ipv6(v6)), "{}", form);
            prop_assert!(allowed || is_blocked(&format!("[{v6}]")), "{}: {}", form, v6);
        }
    }

    #[test]
    fn any_ipv6_address_in_any_spelling_is_decided_as_the_registries_say(
        bits in any::<u128>(), first in prop_oneof![Just(None), (0x2000u16..0x4000).prop_map(Some)],
        net in 0usize..5, inside in any::<bool>(), form in 0u8..4,
    ) {
        let mut segments = Ipv6Addr::from(bits).segments();
        segments[0] = first.unwrap_or(segments[0]);
        let mut ip = Ipv6Addr::from(segments);
        if inside {
            let net: Ipv6Net = NOT_PUBLIC_V6.split_whitespace().nth(net).unwrap().parse().unwrap();
            ip = Ipv6Addr::from(u128::from(net.network()) | (bits & u128::from(net.hostmask())));
        }
        let full = ip.segments().map(|segment| format!("{segment:04x}")).join(":");
        let tail = Ipv4Addr::from(u128::from(ip) as u32);
        let host = match form {
            0 => ip.to_string(),
            1 => full,
            2 => full.to_uppercase(),
            _ => format!("{}:{tail}", &full[..29]),
        };
        prop_assert_eq!(saved(&format!("[{host}]")), Some(Host::Ipv6(ip)));
        prop_assert_eq!(vetted(ip.into()), is_public(ip.into()), "{}", ip);
        if !is_public(ip.into()) {
            prop_assert!(is_blocked(&format!("[{host}]")), "{}", host);
        }
    }
}
