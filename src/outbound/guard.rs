//! Which addresses and ports may be dialled. Pure: it decides, `connector` asks.
//!
//! IPv4 is a list of what is denied; IPv6 is denied unless it is global unicast, which covers every form that carries
//! an IPv4 address inside (mapped, compatible, translated, NAT64, Teredo, 6to4) without decoding them. NAT64 with a
//! network's own prefix cannot be told from an ordinary address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// Why an address may not be dialled. The text is for tenants: it names no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Private, reserved or otherwise not a public address.
    #[error("the host's address is not a public one (WEBHOOK_ALLOW_NETWORKS can allow it)")]
    Address,
    /// An address of this machine, be it a public one.
    #[error("the host's address is one of this server's own (WEBHOOK_ALLOW_NETWORKS can allow it)")]
    Own,
    /// A port on which something other than HTTP listens.
    #[error("port {0} is not allowed")]
    Port(u16),
}

/// The rule for addresses, with the operator's exceptions.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Networks exempt from every rule, ports included; an IPv4-mapped IPv6 address is looked up as its IPv4 address too.
    allow: Vec<IpNet>,
}

impl Guard {
    /// A guard with these exceptions (`WEBHOOK_ALLOW_NETWORKS`).
    pub const fn new(allow: Vec<IpNet>) -> Self {
        Self { allow }
    }

    /// Whether this very address and port may be dialled.
    ///
    /// # Errors
    /// The reason why not.
    pub fn vet(&self, address: SocketAddr) -> Result<(), Refusal> {
        if self.is_exempt(address.ip()) {
            return Ok(());
        }
        let is_public = match address {
            SocketAddr::V4(v4) => is_public_v4(*v4.ip()),
            // A scope names one of our own interfaces.
            SocketAddr::V6(v6) => v6.scope_id() == 0 && is_public_v6(*v6.ip()),
        };
        if !is_public {
            return Err(Refusal::Address);
        }
        if DENIED_PORTS.binary_search(&address.port()).is_ok() {
            return Err(Refusal::Port(address.port()));
        }
        Ok(())
    }

    /// Whether an exception of the operator's covers the address.
    pub(super) fn is_exempt(&self, ip: IpAddr) -> bool {
        let canonical = ip.to_canonical();
        self.allow.iter().any(|net| net.contains(&ip) || net.contains(&canonical))
    }
}

/// Ports of services that a webhook could be made to talk to (mail, shells, directories, databases, caches, container
/// engines). In order, for the binary search.
const DENIED_PORTS: [u16; 77] = [
    0, 1, 7, 9, 13, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 79, 88, 110, 111, 113, 119, 123, 135, 137, 138,
    139, 143, 161, 162, 179, 389, 427, 445, 464, 465, 512, 513, 514, 515, 548, 554, 563, 587, 636, 873, 990, 993, 995,
    1433, 1434, 1521, 1723, 2049, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 5060, 5061, 5432, 5672, 5900, 5985, 6379,
    6667, 9092, 9200, 9300, 10250, 11211, 27017, 27018,
];

/// First address and prefix length of what is denied (IANA special-purpose registry, RFC 6890 and later).
const DENIED_V4: [(Ipv4Addr, u32); 19] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),        // "this network"
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // shared by carriers; Alibaba metadata
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32), // Azure's host: a public address that answers only from inside
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local; cloud metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // protocol assignments; Oracle metadata
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation
    (Ipv4Addr::new(192, 31, 196, 0), 24),  // AS112
    (Ipv4Addr::new(192, 52, 193, 0), 24),  // AMT
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relay
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private
    (Ipv4Addr::new(192, 175, 48, 0), 24),  // AS112
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),      // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),      // reserved, broadcast
];

/// Denied although inside 2000::/3.
const DENIED_V6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments; Teredo
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // AS112
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let bits = ip.to_bits();
    !DENIED_V4.iter().any(|&(first, prefix)| (bits ^ first.to_bits()) >> (32 - prefix) == 0)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let bits = ip.to_bits();
    let is_global_unicast = bits >> 125 == 0b001;
    is_global_unicast
        && !DENIED_V6.iter().any(|&(first, prefix)| (bits ^ first.to_bits()) >> (128 - prefix) == 0)
        && isatap_v4(ip).is_none_or(is_public_v4)
}

/// The IPv4 address inside an ISATAP interface identifier (RFC 5214 section 6.1), under whatever prefix.
fn isatap_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, _, _] = ip.segments();
    // Bit 0x0200 says whether the IPv4 address claims to be globally unique; it changes nothing here.
    (a & !0x0200 == 0 && b == 0x5efe).then(|| Ipv4Addr::from_bits(ip.to_bits() as u32))
}

#[cfg(test)]
mod tests;
