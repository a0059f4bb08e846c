//! Which patterns an event name matches, as `posthorn.event_patterns` has it.

/// Every pattern that matches an event name; of a pattern, itself alone.
pub fn patterns_of(event: &str) -> Vec<String> {
    let mut patterns = vec![event.to_owned()];
    if event.ends_with('*') {
        return patterns;
    }
    patterns.extend(event.rmatch_indices('.').map(|(dot, _)| format!("{}.*", &event[..dot])));
    if !event.starts_with("posthorn.") {
        patterns.push("*".to_owned());
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{EventName, EventPattern};

    #[test]
    fn patterns_of_an_event_are_those_that_match_it() {
        assert_eq!(patterns_of("a.b.c"), ["a.b.c", "a.b.*", "a.*", "*"]);
        assert_eq!(patterns_of("posthorn.endpoint_failing"), ["posthorn.endpoint_failing", "posthorn.*"]);
        assert_eq!(patterns_of("invoice.*"), ["invoice.*"]);
        let name = EventName::parse("event", "invoice.line.added").unwrap();
        assert!(patterns_of(name.as_str()).iter().all(|p| EventPattern::parse("events", p).unwrap().matches(&name)));
    }
}
