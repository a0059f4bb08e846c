//! Whether the promises held: what was published against what was received and what the database says. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Instant;

use uuid::Uuid;

/// An event as its producer knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) id: Uuid,
    pub(super) tenant: Uuid,
    /// Within a key, events follow each other in the order in which they stand in the ledger.
    pub(super) key: u32,
    pub(super) is_committed: bool,
}

/// A request as a receiver saw it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) event: Uuid,
    pub(super) subscription: Uuid,
    pub(super) arrived: Instant,
    /// When the answer was given, or the connection ended.
    pub(super) ended: Instant,
    /// Whether the answer was 2xx.
    pub(super) is_accepted: bool,
    pub(super) is_verified: bool,
    /// Hash of its body.
    pub(super) body: u64,
}

/// A delivery as it stands in the database at the end.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) event: Uuid,
    pub(super) subscription: Uuid,
    pub(super) tenant: Uuid,
    pub(super) is_ordered: bool,
    pub(super) status: String,
    /// What became of each attempt: its error kind, or `None` for a success.
    pub(super) attempts: Vec<Option<String>>,
}

/// Something that was done to the system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) began: Instant,
    pub(super) ended: Instant,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) committed: usize,
    pub(super) rolled_back: usize,
    /// Deliveries there must be: one of each committed event to each subscription of its tenant.
    pub(super) owed: usize,
    pub(super) delivered: usize,
    pub(super) requests: usize,
    /// Owed, and neither accepted nor marked in the database as given up.
    pub(super) lost: Vec<(Uuid, Uuid)>,
    /// Given up, and visibly marked so.
    pub(super) given_up: usize,
    /// Requests of events that were never committed, or that went to another tenant.
    pub(super) invented: Vec<Uuid>,
    /// Requests accepted beyond the first, by what the database says became of the attempt.
    pub(super) duplicates: BTreeMap<String, usize>,
    /// Duplicates during which no fault was at work, or that have no attempt in the database.
    pub(super) unexplained: Vec<String>,
    /// Sent before every earlier one of its key was accepted, to a subscription with order.
    pub(super) disordered: Vec<Uuid>,
    /// The same webhook with other bytes, or a signature that does not verify.
    pub(super) altered: Vec<Uuid>,
    pub(super) faults: BTreeMap<&'static str, usize>,
}

impl Verdict {
    /// Panics with what was broken.
    pub(super) fn assert_that_every_promise_held(&self) {
        assert!(self.lost.is_empty(), "lost: {:?}", self.lost);
        assert!(self.invented.is_empty(), "invented: {:?}", self.invented);
        assert!(self.unexplained.is_empty(), "sent twice without a reason: {:?}", self.unexplained);
        assert!(self.disordered.is_empty(), "out of order: {:?}", self.disordered);
        assert!(self.altered.is_empty(), "altered: {:?}", self.altered);
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, what: &str, count: usize| writeln!(f, "{what:<44}{count:>10}");
        line(f, "events committed", self.committed)?;
        line(f, "events rolled back", self.rolled_back)?;
        line(f, "deliveries owed", self.owed)?;
        line(f, "delivered", self.delivered)?;
        line(f, "given up, visibly (retries exhausted)", self.given_up)?;
        line(f, "requests received", self.requests)?;
        line(f, "lost (must be 0)", self.lost.len())?;
        line(f, "invented (must be 0)", self.invented.len())?;
        line(f, "out of order (must be 0)", self.disordered.len())?;
        line(f, "altered or unverified (must be 0)", self.altered.len())?;
        line(f, "duplicates without a reason (must be 0)", self.unexplained.len())?;
        line(f, "duplicates", self.duplicates.values().sum())?;
        for (kind, count) in &self.duplicates {
            line(f, &format!("  of an attempt recorded as {kind}"), *count)?;
        }
        line(f, "faults", self.faults.values().sum())?;
        for (name, count) in &self.faults {
            line(f, &format!("  {name}"), *count)?;
        }
        Ok(())
    }
}

/// Compares all there is. `events` are in the order of their publishing; deliveries are those of every subscription.
pub(super) fn judge(events: &[Event], requests: &[Request], deliveries: &[Delivery], faults: &[Fault]) -> Verdict {
    let mut found = Verdict { requests: requests.len(), ..Verdict::default() };
    for fault in faults {
        *found.faults.entry(fault.name).or_default() += 1;
    }
    let committed: HashMap<Uuid, &Event> = events.iter().filter(|e| e.is_committed).map(|e| (e.id, e)).collect();
    found.committed = committed.len();
    found.rolled_back = events.len() - committed.len();
    let subscriptions: HashMap<Uuid, (Uuid, bool)> =
        deliveries.iter().map(|d| (d.subscription, (d.tenant, d.is_ordered))).collect();
    let tenant_of = |subscription| subscriptions.get(&subscription).map(|(tenant, _)| *tenant);
    let is_owed = |request: &&Request| {
        committed.get(&request.event).is_some_and(|event| tenant_of(request.subscription) == Some(event.tenant))
    };
    found.invented = requests.iter().filter(|request| !is_owed(request)).map(|request| request.event).collect();
    let mut received: HashMap<(Uuid, Uuid), Vec<Request>> = HashMap::new();
    for request in requests {
        received.entry((request.event, request.subscription)).or_default().push(*request);
    }
    let stored: HashMap<(Uuid, Uuid), &Delivery> = deliveries.iter().map(|d| ((d.event, d.subscription), d)).collect();
    for event in committed.values() {
        for (subscription, _) in subscriptions.iter().filter(|(_, (tenant, _))| *tenant == event.tenant) {
            let pair = (event.id, *subscription);
            let requests = received.get_mut(&pair).map_or(&mut [][..], Vec::as_mut_slice);
            requests.sort_by_key(|request| request.arrived);
            judge_delivery(pair, requests, stored.get(&pair).copied(), faults, &mut found);
        }
    }
    for (subscription, (tenant, _)) in subscriptions.iter().filter(|(_, (_, is_ordered))| *is_ordered) {
        let of_tenant = events.iter().filter(|event| event.is_committed && event.tenant == *tenant);
        found.disordered.extend(disordered(of_tenant, *subscription, &received, &stored));
    }
    found
}

fn judge_delivery(
    pair: (Uuid, Uuid),
    requests: &[Request],
    stored: Option<&Delivery>,
    faults: &[Fault],
    found: &mut Verdict,
) {
    found.owed += 1;
    let accepted: Vec<&Request> = requests.iter().filter(|request| request.is_accepted).collect();
    match stored.map(|delivery| delivery.status.as_str()) {
        Some("delivered") if !accepted.is_empty() => found.delivered += 1,
        Some("failed" | "abandoned") => found.given_up += 1,
        _ => found.lost.push(pair),
    }
    let bodies: HashSet<u64> = requests.iter().map(|request| request.body).collect();
    if bodies.len() > 1 || requests.iter().any(|request| !request.is_verified) {
        found.altered.push(pair.0);
    }
    let attempts = stored.map_or(&[][..], |delivery| &delivery.attempts);
    // each request is an attempt that the database knows of: else something sends what it has no lease for
    let mut is_explained = requests.len() <= attempts.len();
    for two in accepted.windows(2) {
        let is_at_work = |fault: &Fault| fault.began <= two[1].arrived && fault.ended >= two[0].arrived;
        is_explained &= faults.iter().any(is_at_work);
    }
    if !is_explained {
        let ms = |at: Instant| at.duration_since(requests[0].arrived).as_millis();
        let seen: Vec<_> = requests.iter().map(|r| (ms(r.arrived), ms(r.ended), r.is_accepted)).collect();
        let near: Vec<_> = faults.iter().map(|fault| (fault.name, ms(fault.began), ms(fault.ended))).collect();
        found.unexplained.push(format!("{} was seen at {seen:?} ms, recorded as {attempts:?}; {near:?}", pair.0));
    }
    // one success is what was wanted; the others stand in the database as what they looked like to the dispatcher
    let mut other: Vec<&Option<String>> = attempts.iter().collect();
    if let Some(success) = other.iter().position(|kind| kind.is_none()) {
        other.remove(success);
    }
    let is_no_answer = |kind: &Option<String>| kind.as_deref().is_none_or(|kind| kind != "server_error");
    for kind in other.into_iter().filter(|kind| is_no_answer(kind)).take(accepted.len().saturating_sub(1)) {
        let kind = kind.clone().unwrap_or_else(|| "delivered, too late for its lease".to_owned());
        *found.duplicates.entry(kind).or_default() += 1;
    }
}

/// Events of an ordered subscription that arrived before every earlier one of their key had been accepted, or was given up.
fn disordered<'e>(
    events: impl Iterator<Item = &'e Event>,
    subscription: Uuid,
    received: &HashMap<(Uuid, Uuid), Vec<Request>>,
    stored: &HashMap<(Uuid, Uuid), &Delivery>,
) -> Vec<Uuid> {
    let mut accepted_until: HashMap<u32, Instant> = HashMap::new();
    let mut found = Vec::new();
    for event in events {
        let pair = (event.id, subscription);
        let requests = received.get(&pair).map_or(&[][..], Vec::as_slice);
        let earlier = accepted_until.get(&event.key).copied();
        if earlier.is_some_and(|earlier| requests.iter().any(|request| request.arrived < earlier)) {
            found.push(event.id);
        }
        let first = requests.iter().filter(|request| request.is_accepted).map(|request| request.ended).min();
        let is_given_up = stored.get(&pair).is_some_and(|delivery| delivery.status != "delivered");
        if let Some(first) = first.filter(|_| !is_given_up) {
            let until = accepted_until.entry(event.key).or_insert(first);
            *until = first.max(*until);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TENANT: Uuid = Uuid::from_u128(1);
    const SUBSCRIPTION: Uuid = Uuid::from_u128(2);

    /// Two committed events of one key and one that was rolled back, all well so far.
    struct Scene {
        start: Instant,
        events: Vec<Event>,
        requests: Vec<Request>,
        deliveries: Vec<Delivery>,
        faults: Vec<Fault>,
    }

    impl Scene {
        fn new() -> Self {
            let event = |n, is_committed| Event { id: id(n), tenant: TENANT, key: 7, is_committed };
            let mut scene = Self {
                start: Instant::now(),
                events: vec![event(1, true), event(2, true), event(3, false)],
                requests: Vec::new(),
                deliveries: vec![delivery(1, &[None]), delivery(2, &[None])],
                faults: Vec::new(),
            };
            scene.request(1, 10, true);
            scene.request(2, 20, true);
            scene
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        fn request(&mut self, n: u128, at: u64, is_accepted: bool) {
            let (arrived, ended) = (self.at(at), self.at(at + 2));
            let body = n as u64;
            let request = Request {
                event: id(n),
                subscription: SUBSCRIPTION,
                arrived,
                ended,
                is_accepted,
                is_verified: true,
                body,
            };
            self.requests.push(request);
        }

        fn fault(&mut self, from: u64, to: u64) {
            self.faults.push(Fault { name: "kill", began: self.at(from), ended: self.at(to) });
        }

        fn judge(&self) -> Verdict {
            judge(&self.events, &self.requests, &self.deliveries, &self.faults)
        }
    }

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(100 + n)
    }

    fn delivery(n: u128, attempts: &[Option<&str>]) -> Delivery {
        Delivery {
            event: id(n),
            subscription: SUBSCRIPTION,
            tenant: TENANT,
            is_ordered: true,
            status: "delivered".to_owned(),
            attempts: attempts.iter().map(|kind| kind.map(str::to_owned)).collect(),
        }
    }

    #[test]
    fn all_well_is_all_well() {
        let verdict = Scene::new().judge();
        let expected =
            Verdict { committed: 2, rolled_back: 1, owed: 2, delivered: 2, requests: 2, ..Verdict::default() };
        assert_eq!(verdict, expected);
        verdict.assert_that_every_promise_held();
    }

    #[test]
    fn an_owed_event_that_never_came_is_lost_whatever_the_database_says() {
        let mut scene = Scene::new();
        scene.requests.pop();
        assert_eq!(scene.judge().lost, [(id(2), SUBSCRIPTION)]);
        scene.deliveries[1].status = "abandoned".to_owned();
        let verdict = scene.judge();
        assert_eq!((verdict.lost.len(), verdict.given_up), (0, 1));
        scene.deliveries.pop();
        assert_eq!(scene.judge().lost, [(id(2), SUBSCRIPTION)]);
    }

    #[test]
    fn what_was_rolled_back_or_goes_to_another_tenant_is_invented() {
        let mut scene = Scene::new();
        scene.request(3, 30, false);
        assert_eq!(scene.judge().invented, [id(3)]);
        let mut scene = Scene::new();
        scene.events[1].tenant = Uuid::from_u128(9);
        assert_eq!(scene.judge().invented, [id(2)]);
    }

    #[test]
    fn a_duplicate_needs_an_attempt_in_the_database_and_a_fault_at_that_time() {
        let mut scene = Scene::new();
        scene.request(1, 15, true);
        scene.fault(11, 12);
        assert_eq!(scene.judge().unexplained.len(), 1);
        scene.deliveries[0] = delivery(1, &[Some("lease_expired"), None]);
        let verdict = scene.judge();
        assert_eq!((verdict.unexplained.len(), verdict.duplicates["lease_expired"]), (0, 1));
        scene.faults.clear();
        scene.fault(16, 40);
        assert_eq!(scene.judge().unexplained.len(), 1);
    }

    #[test]
    fn a_retry_after_a_refusal_is_no_duplicate() {
        let mut scene = Scene::new();
        scene.requests[0].is_accepted = false;
        scene.request(1, 15, true);
        scene.deliveries[0] = delivery(1, &[Some("server_error"), None]);
        let verdict = scene.judge();
        assert_eq!((verdict.duplicates.len(), verdict.unexplained.len(), verdict.disordered.len()), (0, 0, 0));
    }

    #[test]
    fn overtaking_is_disorder_unless_the_earlier_one_was_given_up() {
        let mut scene = Scene::new();
        scene.requests[1].arrived = scene.at(11);
        assert_eq!(scene.judge().disordered, [id(2)]);
        scene.deliveries[0].status = "abandoned".to_owned();
        assert!(scene.judge().disordered.is_empty());
    }

    #[test]
    fn other_bytes_and_a_wrong_signature_are_seen() {
        let mut scene = Scene::new();
        scene.requests[0].is_accepted = false;
        scene.request(1, 15, true);
        scene.deliveries[0] = delivery(1, &[Some("server_error"), None]);
        scene.requests[2].body = 77;
        assert_eq!(scene.judge().altered, [id(1)]);
        let mut scene = Scene::new();
        scene.requests[0].is_verified = false;
        assert_eq!(scene.judge().altered, [id(1)]);
    }
}
