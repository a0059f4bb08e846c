//! Whether requests kept the order of their events: what was published, what arrived, and who was killed when. Pure.

use std::collections::HashMap;
use std::time::Instant;

use uuid::Uuid;

/// A published event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) id: Uuid,
    pub(super) key: u32,
    /// Its delivery's place in line, which is in the order of commits within a key; that is checked too.
    pub(super) number: i64,
    /// From before the INSERT to after its commit.
    pub(super) began: Instant,
    pub(super) committed: Instant,
}

/// A request as the receiver saw it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) event: Uuid,
    pub(super) arrived: Instant,
    /// When the answer was given, or the connection ended.
    pub(super) ended: Instant,
    /// Whether the answer was 2xx.
    pub(super) is_accepted: bool,
}

/// What was found broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Events sent, accepted or not, before every earlier one of their key was accepted or had failed for good.
    pub(super) violations: usize,
    /// Requests of one key at the same time, with no kill in between.
    pub(super) overlaps: usize,
    /// Events never accepted and not failed for good either.
    pub(super) lost: usize,
    /// Events committed before one began whose place in line is before theirs.
    pub(super) misnumbered: usize,
    /// Events accepted more than once.
    pub(super) duplicates: usize,
}

/// Checks all keys. `failed` are the events that the database says have failed for good.
pub(super) fn check(events: &[Event], requests: &[Request], failed: &[Uuid], kills: &[Instant]) -> Found {
    let mut of_event: HashMap<Uuid, Vec<Request>> = HashMap::new();
    for request in requests {
        of_event.entry(request.event).or_default().push(*request);
    }
    let mut keys: HashMap<u32, Vec<Event>> = HashMap::new();
    for event in events {
        keys.entry(event.key).or_default().push(*event);
    }
    let mut found = Found::default();
    for events in keys.values_mut() {
        events.sort_by_key(|event| event.number);
        check_key(events, &of_event, failed, kills, &mut found);
    }
    found
}

/// Checks the events of one key, in the order of their places in line.
fn check_key(
    events: &[Event],
    requests: &HashMap<Uuid, Vec<Request>>,
    failed: &[Uuid],
    kills: &[Instant],
    found: &mut Found,
) {
    // the last moment at which an earlier event was first accepted; None: one never was
    let mut earlier_accepted: Option<Instant> = events.first().map(|event| event.began);
    let mut latest_began: Option<Instant> = None;
    let mut of_key: Vec<Request> = Vec::new();
    for event in events {
        found.misnumbered += usize::from(latest_began.is_some_and(|began| event.committed < began));
        latest_began = latest_began.max(Some(event.began));
        let own = requests.get(&event.id).map_or(&[][..], Vec::as_slice);
        of_key.extend(own);
        let accepted = own.iter().filter(|request| request.is_accepted);
        found.duplicates += accepted.clone().count().saturating_sub(1);
        let is_early = |request: &Request| earlier_accepted.is_none_or(|earlier| request.arrived < earlier);
        found.violations += usize::from(own.iter().any(is_early));
        match accepted.min_by_key(|request| request.ended) {
            Some(first) => earlier_accepted = earlier_accepted.max(Some(first.ended)),
            None if failed.contains(&event.id) => {}
            None => {
                found.lost += 1;
                earlier_accepted = None;
            }
        }
    }
    found.overlaps += overlaps(&mut of_key, kills);
}

/// Requests that arrived while an earlier one was still unanswered, unless somebody was killed in the course of that one.
fn overlaps(requests: &mut [Request], kills: &[Instant]) -> usize {
    requests.sort_by_key(|request| request.arrived);
    let mut open: Option<Request> = None;
    let mut found = 0;
    for request in requests.iter() {
        if let Some(earlier) = open.filter(|earlier| request.arrived < earlier.ended) {
            let is_excused = kills.iter().any(|kill| (earlier.arrived..=earlier.ended).contains(kill));
            found += usize::from(!is_excused);
        }
        if open.is_none_or(|earlier| request.ended > earlier.ended) {
            open = Some(*request);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A world that began at `start`: event n of a key is published at millisecond n.
    struct Scene {
        start: Instant,
        events: Vec<Event>,
        requests: Vec<Request>,
    }

    impl Scene {
        fn new(count: u32) -> Self {
            let start = Instant::now();
            let at = |ms: u32| start + Duration::from_millis(ms.into());
            let event = |n: u32| Event { id: id(n), key: 7, number: n.into(), began: at(n), committed: at(n) };
            Self { start, events: (0..count).map(event).collect(), requests: Vec::new() }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        fn request(&mut self, n: u32, (arrived, ended): (u64, u64), is_accepted: bool) {
            let (arrived, ended) = (self.at(arrived), self.at(ended));
            self.requests.push(Request { event: id(n), arrived, ended, is_accepted });
        }

        fn check(&self, failed: &[Uuid], kills: &[Instant]) -> Found {
            check(&self.events, &self.requests, failed, kills)
        }
    }

    fn id(n: u32) -> Uuid {
        Uuid::from_u128(n.into())
    }

    #[test]
    fn order_with_a_retry_is_order() {
        let mut scene = Scene::new(3);
        for (n, times, is_accepted) in
            [(0, (10, 12), false), (0, (20, 22), true), (1, (30, 31), true), (2, (40, 41), true)]
        {
            scene.request(n, times, is_accepted);
        }
        assert_eq!(scene.check(&[], &[]), Found::default());
    }

    #[test]
    fn overtaking_is_a_violation() {
        let mut scene = Scene::new(2);
        scene.request(0, (10, 12), false);
        scene.request(1, (20, 21), true);
        scene.request(0, (30, 31), true);
        assert_eq!(scene.check(&[], &[]), Found { violations: 1, ..Found::default() });
    }

    #[test]
    fn overtaking_is_one_even_when_the_receiver_refuses_it() {
        let mut scene = Scene::new(2);
        scene.request(1, (5, 6), false);
        scene.request(0, (10, 12), true);
        scene.request(1, (20, 21), true);
        assert_eq!(scene.check(&[], &[]), Found { violations: 1, ..Found::default() });
    }

    #[test]
    fn what_failed_for_good_may_be_overtaken_and_what_is_lost_may_not() {
        let mut scene = Scene::new(2);
        scene.request(0, (10, 12), false);
        scene.request(1, (20, 21), true);
        assert_eq!(scene.check(&[id(0)], &[]), Found::default());
        assert_eq!(scene.check(&[], &[]), Found { lost: 1, violations: 1, ..Found::default() });
    }

    #[test]
    fn other_keys_may_overtake() {
        let mut scene = Scene::new(2);
        scene.events[1].key = 8;
        scene.request(1, (10, 12), true);
        scene.request(0, (11, 20), true);
        assert_eq!(scene.check(&[], &[]), Found::default());
    }

    #[test]
    fn requests_at_the_same_time_are_excused_by_a_kill_alone() {
        let mut scene = Scene::new(1);
        scene.request(0, (10, 30), true);
        scene.request(0, (20, 25), true);
        let excused = Found { duplicates: 1, ..Found::default() };
        assert_eq!(scene.check(&[], &[scene.at(15)]), excused);
        assert_eq!(scene.check(&[], &[scene.at(5)]), Found { overlaps: 1, ..excused });
    }

    #[test]
    fn places_in_line_must_follow_commits() {
        let mut scene = Scene::new(2);
        (scene.events[0].began, scene.events[0].committed) = (scene.at(50), scene.at(51));
        scene.request(0, (60, 61), true);
        scene.request(1, (70, 71), true);
        assert_eq!(scene.check(&[], &[]).misnumbered, 1);
    }
}
