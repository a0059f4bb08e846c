//! How often a caller may ask: a token bucket for each, in memory, emptied before the database hears of a request.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use poem::Request;
use poem::http::{HeaderMap, HeaderName};
use poem::web::RemoteAddr;

use super::problem::Problem;

/// Most buckets of a kind; full ones are let go first, which lose nothing by it.
const BUCKETS_MAX: usize = 50_000;

/// What a caller is told of its limit, in the headers `RateLimit-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Requests at once, after a pause.
    pub(super) limit: u32,
    /// Requests that could follow at once.
    pub(super) remaining: u32,
    /// Seconds until all of them could again.
    pub(super) reset_seconds: u32,
}

impl Allowance {
    /// Names of the headers, in the order of the fields.
    pub(super) const HEADERS: [&str; 3] = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];

    /// Adds the headers.
    pub(super) fn add_to(self, headers: &mut HeaderMap) {
        let values = [self.limit, self.remaining, self.reset_seconds];
        for (name, value) in Self::HEADERS.into_iter().zip(values) {
            headers.insert(HeaderName::from_static(name), value.into());
        }
    }
}

/// The limits of all callers.
pub(super) struct Limits {
    rate: Option<Rate>,
    /// By the hash of a key, valid or not, or of a token's subject.
    callers: Buckets<[u8; 32]>,
    /// By address, of keys that were not valid.
    strangers: Buckets<IpAddr>,
}

#[derive(Clone, Copy)]
struct Rate {
    per_second: f64,
    burst: f64,
}

impl Limits {
    /// `per_second` requests of each caller on average, `burst` at once; 0 a second is no limit.
    pub(super) fn new(per_second: u32, burst: Option<u32>) -> Self {
        let burst = burst.unwrap_or_else(|| per_second.saturating_mul(2)).max(1);
        let rate = (per_second > 0).then(|| Rate { per_second: per_second.into(), burst: burst.into() });
        Self { rate, callers: Buckets::default(), strangers: Buckets::default() }
    }

    /// Counts a request of a caller, or refuses it.
    pub(super) fn take(&self, caller: [u8; 32]) -> Result<Option<Allowance>, Problem> {
        let Some(rate) = self.rate else { return Ok(None) };
        let (is_taken, tokens) = self.callers.take(caller, rate, Instant::now());
        let allowance = rate.allowance(tokens);
        if is_taken { Ok(Some(allowance)) } else { Err(Problem::too_many(allowance, rate.wait(tokens))) }
    }

    /// Refuses an address from which too many requests came without a valid key.
    pub(super) fn admit_stranger(&self, from: &RemoteAddr) -> Result<(), Problem> {
        let (Some(rate), Some(address)) = (self.rate, address_of(from)) else { return Ok(()) };
        let tokens = self.strangers.look(&address, rate, Instant::now());
        if tokens >= 1.0 { Ok(()) } else { Err(Problem::too_many(rate.allowance(tokens), rate.wait(tokens))) }
    }

    /// Counts a request without a valid key.
    pub(super) fn note_stranger(&self, from: &RemoteAddr) {
        if let (Some(rate), Some(address)) = (self.rate, address_of(from)) {
            self.strangers.take(address, rate, Instant::now());
        }
    }
}

impl Rate {
    fn allowance(self, tokens: f64) -> Allowance {
        Allowance {
            limit: self.burst as u32,
            remaining: tokens as u32,
            reset_seconds: ((self.burst - tokens) / self.per_second).ceil() as u32,
        }
    }

    /// Whole seconds until a request is admitted, at least one.
    fn wait(self, tokens: f64) -> u32 {
        (((1.0 - tokens) / self.per_second).ceil() as u32).max(1)
    }
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

struct Buckets<K>(Mutex<HashMap<K, Bucket>>);

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Buckets<K> {
    /// Takes a token, if there is one; answers with how many are left.
    fn take(&self, key: K, rate: Rate, now: Instant) -> (bool, f64) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, bucket| bucket.filled(rate, now) < rate.burst);
        }
        if buckets.len() >= BUCKETS_MAX {
            buckets.clear();
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: rate.burst, at: now });
        let tokens = bucket.filled(rate, now);
        let is_taken = tokens >= 1.0;
        *bucket = Bucket { tokens: if is_taken { tokens - 1.0 } else { tokens }, at: now };
        (is_taken, bucket.tokens)
    }

    /// How many tokens there are.
    fn look(&self, key: &K, rate: Rate, now: Instant) -> f64 {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get(key).map_or(rate.burst, |bucket| bucket.filled(rate, now))
    }
}

impl Bucket {
    fn filled(&self, rate: Rate, now: Instant) -> f64 {
        (self.tokens + now.saturating_duration_since(self.at).as_secs_f64() * rate.per_second).min(rate.burst)
    }
}

/// An address as far as one stranger has it: of IPv6, the network of 64 bits.
fn address_of(from: &RemoteAddr) -> Option<IpAddr> {
    Some(match from.as_socket_addr()?.ip() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address => address,
    })
}

/// Where a request's allowance is noted for its answer.
#[derive(Default)]
pub(super) struct Told(OnceLock<Allowance>);

impl Told {
    /// Notes what the caller of `request` is to be told.
    pub(super) fn tell(request: &Request, allowance: Option<Allowance>) {
        if let (Some(told), Some(allowance)) = (request.data::<Arc<Self>>(), allowance) {
            // a request has one caller
            let _ = told.0.set(allowance);
        }
    }

    /// What was noted.
    pub(super) fn allowance(&self) -> Option<Allowance> {
        self.0.get().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let (buckets, rate, start) = (Buckets::default(), Rate { per_second: 2.0, burst: 3.0 }, Instant::now());
        let take = |seconds: f64| buckets.take("a", rate, start + Duration::from_secs_f64(seconds)).0;
        assert_eq!([0.0, 0.0, 0.0, 0.0, 0.4].map(take), [true, true, true, false, false]);
        assert_eq!([0.5, 0.6, 60.0, 60.0, 60.0, 60.0].map(take), [true, false, true, true, true, false]);
        assert!(buckets.take("b", rate, start).0, "another's bucket is its own");
    }

    #[test]
    fn a_caller_is_told_how_much_is_left() {
        let limits = Limits::new(10, Some(20));
        let first = limits.take([1; 32]).unwrap().unwrap();
        assert_eq!(first, Allowance { limit: 20, remaining: 19, reset_seconds: 1 });
        assert!(Limits::new(0, None).take([1; 32]).unwrap().is_none());
    }

    #[test]
    fn strangers_share_what_their_network_may() {
        let limits = Limits::new(1, Some(2));
        let address = |text: &str| RemoteAddr(poem::Addr::SocketAddr(text.parse().unwrap()));
        for _ in 0..2 {
            limits.admit_stranger(&address("[2001:db8::1]:1")).unwrap();
            limits.note_stranger(&address("[2001:db8::2]:2"));
        }
        assert!(limits.admit_stranger(&address("[2001:db8::3]:3")).is_err());
        assert!(limits.admit_stranger(&address("[2001:db8:0:1::3]:3")).is_ok());
    }
}
