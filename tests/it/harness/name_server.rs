//! A name server that answers as a test tells it to, lies and silence included (RFC 1035).

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is said to a question.
#[derive(Clone)]
pub(crate) enum Says {
    /// These addresses; none of the family asked for is "no such record".
    Addresses(Vec<IpAddr>),
    /// An RCODE other than 0, such as 2 for SERVFAIL and 3 for NXDOMAIN.
    Error(u8),
    /// Nothing at all.
    Nothing,
}

/// A running name server; its thread ends with the process.
pub(crate) struct NameServer {
    asked: Arc<AtomicUsize>,
}

const RECORD_A: u16 = 1;
const RECORD_AAAA: u16 = 28;

impl Says {
    /// Addresses by their text.
    pub(crate) fn addresses(texts: &[&str]) -> Self {
        Self::Addresses(texts.iter().map(|text| text.parse().unwrap()).collect())
    }
}

impl NameServer {
    /// Listens at `address`. `answer` is asked with the name and how many questions for its IPv4 addresses came before.
    pub(crate) fn start(address: &str, answer: impl Fn(&str, usize) -> Says + Send + 'static) -> Self {
        let socket = UdpSocket::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        std::thread::spawn(move || {
            let mut before = std::collections::HashMap::<String, usize>::new();
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let Some((name, kind, end)) = question(&buffer[..length]) else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                let times = before.entry(name.clone()).or_default();
                let says = answer(&name, *times);
                *times += usize::from(kind == RECORD_A);
                if let Some(reply) = reply(&buffer[..end], kind, &says) {
                    // who asked may have gone
                    let _ = socket.send_to(&reply, from);
                }
            }
        });
        Self { asked }
    }

    /// Questions until now.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Name and type of a message's one question, and where it ends.
fn question(message: &[u8]) -> Option<(String, u16, usize)> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]);
    Some((labels.join("."), kind, at + 4))
}

fn reply(question: &[u8], kind: u16, says: &Says) -> Option<Vec<u8>> {
    let (code, addresses) = match says {
        Says::Nothing => return None,
        Says::Error(code) => (*code, [].as_slice()),
        Says::Addresses(addresses) => (0, addresses.as_slice()),
    };
    let records: Vec<Vec<u8>> = addresses
        .iter()
        .filter_map(|address| match address {
            IpAddr::V4(v4) if kind == RECORD_A => Some(v4.octets().to_vec()),
            IpAddr::V6(v6) if kind == RECORD_AAAA => Some(v6.octets().to_vec()),
            _ => None,
        })
        .collect();
    let mut reply = question.to_vec();
    // a response, recursion desired and available
    reply[2..4].copy_from_slice(&[0x81, 0x80 | code]);
    reply[6..8].copy_from_slice(&u16::try_from(records.len()).unwrap().to_be_bytes());
    reply[8..12].fill(0);
    for data in records {
        // name as in the question, type, class IN, no time to live: a rebinding name is never cached
        reply.extend_from_slice(&[0xc0, 12]);
        reply.extend_from_slice(&kind.to_be_bytes());
        reply.extend_from_slice(&[0, 1, 0, 0, 0, 0]);
        reply.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        reply.extend_from_slice(&data);
    }
    Some(reply)
}
