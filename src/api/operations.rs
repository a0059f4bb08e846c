//! The operations as the document lists them, asked again for each request: which query parameters there are, and which
//! methods a path takes.

use poem::http::{Method, Uri};
use poem_openapi::registry::{MetaApi, MetaParamIn};
use url::form_urlencoded;

use super::problem::Problem;
use crate::domain::violation::Violation;

/// All operations beneath some base paths.
pub(super) struct Operations {
    bases: &'static [&'static str],
    known: Vec<Operation>,
}

struct Operation {
    segments: Vec<Segment>,
    method: Method,
    query: Vec<String>,
}

enum Segment {
    Word(String),
    Any,
}

impl Operations {
    /// Those of `apis`, served under each of `bases`.
    pub(super) fn new(bases: &'static [&'static str], apis: Vec<MetaApi>) -> Self {
        let paths = apis.into_iter().flat_map(|api| api.paths);
        let known = paths.flat_map(|path| {
            let segments = move || path.path.split('/').skip(1).map(Segment::of).collect();
            path.operations.into_iter().map(move |operation| Operation {
                segments: segments(),
                method: operation.method,
                query: operation
                    .params
                    .into_iter()
                    .filter(|parameter| parameter.in_type == MetaParamIn::Query)
                    .map(|parameter| parameter.name)
                    .collect(),
            })
        });
        Self { bases, known: known.collect() }
    }

    /// Refuses query parameters that the operation does not have: one that does nothing would be a silent mistake.
    pub(super) fn check_query(&self, method: &Method, uri: &Uri) -> Result<(), Problem> {
        let Some(query) = uri.query() else { return Ok(()) };
        let Some(operation) = self.find(uri.path(), method) else { return Ok(()) };
        let unknown: Vec<Violation> = form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| !operation.query.iter().any(|known| known == name))
            .map(|(name, _)| Violation::new(&name, "unknown_parameter", "is not a parameter of this operation"))
            .collect();
        if unknown.is_empty() { Ok(()) } else { Err(Problem::invalid(unknown)) }
    }

    /// The methods that a path takes, for the header Allow; empty where there is nothing.
    pub(super) fn allowed(&self, path: &str) -> String {
        let mut methods: Vec<&str> = self.at(path).map(|operation| operation.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.join(", ")
    }

    /// The path beneath the base that it is under.
    pub(super) fn beneath<'p>(&self, path: &'p str) -> Option<&'p str> {
        self.bases.iter().find_map(|base| path.strip_prefix(base)).filter(|rest| rest.starts_with('/'))
    }

    fn find(&self, path: &str, method: &Method) -> Option<&Operation> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.at(path).find(|operation| operation.method == *method)
    }

    /// Operations at a path: where words stand beside parameters, the words' alone.
    fn at(&self, path: &str) -> impl Iterator<Item = &Operation> {
        let parts: Vec<&str> = self.beneath(path).unwrap_or_default().split('/').skip(1).collect();
        let matching: Vec<&Operation> = self.known.iter().filter(|operation| operation.is_at(&parts)).collect();
        let most = matching.iter().map(|operation| operation.words()).max();
        matching.into_iter().filter(move |operation| Some(operation.words()) == most)
    }
}

impl Operation {
    fn is_at(&self, parts: &[&str]) -> bool {
        self.segments.len() == parts.len()
            && self.segments.iter().zip(parts).all(|(segment, part)| match segment {
                Segment::Word(word) => word == part,
                Segment::Any => !part.is_empty(),
            })
    }

    fn words(&self) -> usize {
        self.segments.iter().filter(|segment| matches!(segment, Segment::Word(_))).count()
    }
}

impl Segment {
    fn of(text: &str) -> Self {
        if text.starts_with([':', '{']) { Self::Any } else { Self::Word(text.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations() -> Operations {
        let operation = |path: &str, method, query: &[&str]| Operation {
            segments: path.split('/').skip(1).map(Segment::of).collect(),
            method,
            query: query.iter().map(ToString::to_string).collect(),
        };
        let known = vec![
            operation("/things", Method::GET, &["limit"]),
            operation("/things", Method::POST, &[]),
            operation("/things/{id}", Method::GET, &[]),
            operation("/things/search", Method::POST, &["dry_run"]),
        ];
        Operations { bases: &["/api/a", "/api/b"], known }
    }

    fn check(method: Method, uri: &str) -> Result<(), Problem> {
        operations().check_query(&method, &uri.parse().unwrap())
    }

    #[test]
    fn only_known_parameters_are_taken() {
        assert!(check(Method::GET, "/api/b/things?limit=1").is_ok());
        assert!(check(Method::HEAD, "/api/b/things?limit=1").is_ok());
        assert!(check(Method::POST, "/api/a/things/search?dry%5Frun=1").is_ok());
        for (method, uri) in [
            (Method::GET, "/api/a/things?Limit=1"),
            (Method::GET, "/api/a/things?limit=1&x"),
            (Method::POST, "/api/a/things?limit=1"),
            (Method::GET, "/api/a/things/7?limit=1"),
            (Method::POST, "/api/a/things/search?limit=1"),
        ] {
            assert!(check(method, uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn a_path_says_which_methods_it_takes() {
        for (path, want) in [
            ("/api/a/things", "GET, POST, HEAD"),
            ("/api/b/things/7", "GET, HEAD"),
            ("/api/b/things/search", "POST"),
            ("/api/b/nothing", ""),
            ("/api/bthings", ""),
            ("/elsewhere", ""),
        ] {
            assert_eq!(operations().allowed(path), want, "{path}");
        }
    }
}
