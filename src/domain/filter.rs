//! Filter: what a jsonpath would cost, as far as its text tells.

/// Whether a jsonpath walks over a payload again for each thing that a walk over it finds, as `$.** ? (exists($.**))` does, or
/// compares all of one walk with all of another. Either is quadratic: on 256 KiB it takes minutes, where a single walk takes
/// milliseconds. Errs on the side of yes where a condition and a second walk stand in one term.
///
/// Not told by the text: `$.a == $.b` of two long lists, and so whoever evaluates a filter has a time limit all the same.
#[must_use]
pub fn is_walk_within_walk(filter: &str) -> bool {
    let path = bare(filter);
    path.matches("**").count() > 1 || conditions(&path).any(walks_from_the_root) || terms(&path).any(compares_walks)
}

/// The jsonpath without blanks and without what is in quotes, and with every walk over a list written as `[*]`.
fn bare(filter: &str) -> String {
    let (mut path, mut subscript) = (String::with_capacity(filter.len()), None);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for c in filter.chars() {
        if is_quoted {
            is_quoted = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
            continue;
        }
        match c {
            '"' => is_quoted = true,
            '[' => subscript = Some(path.len()),
            ']' => {
                let inside = subscript.take().map_or(String::new(), |from: usize| path.split_off(from));
                if inside.contains('*') || inside.contains("to") {
                    path.push_str("[*]");
                }
            }
            _ if !c.is_whitespace() => path.push(c),
            _ => {}
        }
    }
    path
}

/// What stands in the brackets of each condition and behind it.
fn conditions(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices("?(").map(|(at, _)| {
        let inside = &path[at + 2..];
        let mut open = 1;
        let end = inside.find(|c| {
            open += i32::from(c == '(') - i32::from(c == ')');
            open == 0
        });
        &inside[..end.unwrap_or(inside.len())]
    })
}

fn walks_from_the_root(condition: &str) -> bool {
    condition.split('$').skip(1).any(|path| {
        let end = path.find(|c| "=<>!&|?()+-/%,".contains(c)).unwrap_or(path.len());
        has_walk(&path[..end])
    })
}

fn terms(path: &str) -> impl Iterator<Item = &str> {
    path.split("&&").flat_map(|part| part.split("||"))
}

fn compares_walks(term: &str) -> bool {
    term.find(['=', '<', '>']).is_some_and(|at| has_walk(&term[..at]) && has_walk(&term[at..]))
}

fn has_walk(path: &str) -> bool {
    path.contains(".*") || path.contains("[*]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_for_each_step_of_a_walk_is_told() {
        for dear in [
            "exists($.** ? (exists($.** ? (@ == -1))))",
            "$.**.** == 1",
            "exists($.a[*] ? (exists($.b[*])))",
            "exists($.a[*] ? (@.x == $.b[ * ].x))",
            "$.a[*] == $.b[*]",
            "$.a[0 to last] < $.b[0 to last]",
            "$.ok == true && $.a.* == $.b.*",
            r#"$."a"[*] == $."b"[*]"#,
            r#"$.x == "\"" || $.** == $.**"#,
        ] {
            assert!(is_walk_within_walk(dear), "{dear}");
        }
    }

    #[test]
    fn what_people_write_is_not_taken_for_one() {
        for usual in [
            "$.amount > 100",
            "$.paid < $.total",
            "$.total * 2 > $.paid * 3",
            "$.items[*].price > 100",
            r#"$.items[*].tags[*] == "urgent""#,
            r#"exists($.items[*] ? (@.tags[*] == "urgent" && @.price > 10))"#,
            "exists($.items[*] ? (@.currency == $.currency))",
            "$.items[*].price > 100 && $.discounts[*].percent > 10",
            "exists($.** ? (@ == 1))",
            r#"$.note == "$.** ? ($.** == [*] == [*])""#,
            r#"$."total[0]"[0] == $.items[last].total"#,
        ] {
            assert!(!is_walk_within_walk(usual), "{usual}");
        }
    }
}
