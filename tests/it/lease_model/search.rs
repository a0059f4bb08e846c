//! Breadth first through every state that can be reached: what is found first is the shortest way there.

use std::collections::{BTreeMap, HashMap};

use super::protocol::{Action, Harm, Policy, State, actions};

/// What a policy does.
pub(super) struct Findings {
    pub(super) states: usize,
    pub(super) steps: usize,
    /// The shortest way to each harm.
    pub(super) harms: BTreeMap<Harm, Vec<String>>,
    /// The shortest way to where no end can be reached any more.
    pub(super) stuck: Option<Vec<String>>,
}

/// States in the order they were found, each with how it was reached first.
struct Reached(Vec<(State, Option<(usize, Action)>)>);

impl Reached {
    fn way_to(&self, mut at: usize, last: Option<Action>) -> Vec<String> {
        let mut way: Vec<String> = last.iter().map(ToString::to_string).collect();
        while let Some((from, action)) = self.0[at].1 {
            way.push(action.to_string());
            at = from;
        }
        way.reverse();
        way
    }
}

/// Takes every step from every state; where harm was done it goes no further, so that each is shown by itself.
pub(super) fn explore(policy: Policy) -> Findings {
    let actions = actions();
    let mut reached = Reached(vec![(State::start(), None)]);
    let mut places = HashMap::from([(State::start(), 0)]);
    let mut harms = BTreeMap::new();
    let mut ways: Vec<(usize, usize)> = Vec::new();
    let mut ends_badly = Vec::new();
    let mut steps = 0;
    let mut at = 0;
    while at < reached.0.len() {
        let state = reached.0[at].0;
        for &action in &actions {
            let Some(next) = state.after(action, policy) else { continue };
            steps += 1;
            let done = [next.harm_since(&state, action), next.harm(policy)];
            if done.iter().any(Option::is_some) {
                for harm in done.into_iter().flatten() {
                    harms.entry(harm).or_insert_with(|| reached.way_to(at, Some(action)));
                }
                ends_badly.push(at);
                continue;
            }
            let place = *places.entry(next.canonical()).or_insert_with(|| {
                reached.0.push((next, Some((at, action))));
                reached.0.len() - 1
            });
            ways.push((at, place));
        }
        at += 1;
    }
    let stuck = first_stuck(&reached, &ways, ends_badly).map(|place| reached.way_to(place, None));
    Findings { states: reached.0.len(), steps, harms, stuck }
}

/// The first state that no way leads from to an end, be it a bad one.
fn first_stuck(reached: &Reached, ways: &[(usize, usize)], ends_badly: Vec<usize>) -> Option<usize> {
    let mut sources: Vec<Vec<usize>> = vec![Vec::new(); reached.0.len()];
    for &(from, to) in ways {
        sources[to].push(from);
    }
    let settled = reached.0.iter().enumerate().filter(|(_, (state, _))| state.is_settled());
    let mut open: Vec<usize> = settled.map(|(place, _)| place).chain(ends_badly).collect();
    let mut has_end = vec![false; reached.0.len()];
    while let Some(place) = open.pop() {
        if !std::mem::replace(&mut has_end[place], true) {
            open.extend(&sources[place]);
        }
    }
    has_end.iter().position(|has_end| !has_end)
}
