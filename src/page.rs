//! The admin page: what `make ui` built into `ui/dist`, in the binary, at `/`. Built without it, `/` says how to build it.
//!
//! It is a program in the browser that calls the API as anybody does: nothing here knows a tenant or a token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use poem::endpoint::make_sync;
use poem::error::NotFoundError;
use poem::http::{HeaderMap, HeaderValue, header};
use poem::{Request, Response, Route};
use rust_embed::{Embed, EmbeddedFile};

use crate::config::PageConfig;

/// What was built. A debug build reads the folder itself, so that a page built anew shows without building the binary again.
#[derive(Embed)]
#[folder = "ui/dist"]
#[allow_missing = true]
struct Built;

/// What a built page has in place of a nonce.
const NONCE: &str = "__CSP_NONCE__";

/// What stands in for a page that was not built.
const MISSING: &str = include_str!("page/missing.html");

/// Of files that have a hash in their name: under one name there is always the same.
const LASTING: &str = "public, max-age=31536000, immutable";

/// Of other files.
const PASSING: &str = "public, max-age=3600";

/// The page copies to the clipboard and uses nothing else of the machine.
const PERMISSIONS: &str =
    "camera=(), clipboard-read=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Adds the page to `route`, unless it is switched off.
pub fn add_to(route: Route, config: &PageConfig) -> Route {
    if !config.page {
        return route;
    }
    let ancestors =
        if config.page_ancestors.is_empty() { "'none'".to_owned() } else { config.page_ancestors.join(" ") };
    route
        .at("/", poem::get(make_sync(move |_| index(&ancestors))))
        .at("/favicon.svg", poem::get(make_sync(|request| file(&request, "favicon.svg", PASSING))))
        .at("/assets/:name", poem::get(make_sync(|request| asset(&request))))
}

/// The page itself, with a nonce of its own for the styles that its program makes.
fn index(ancestors: &str) -> Response {
    let nonce = STANDARD.encode(rand::random::<[u8; 16]>());
    let built = Built::get("index.html");
    let text = built.as_ref().map_or(MISSING.into(), |file| String::from_utf8_lossy(&file.data));
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::CONTENT_SECURITY_POLICY, policy(&nonce, ancestors))
        .header(header::REFERRER_POLICY, "no-referrer")
        .header("Permissions-Policy", PERMISSIONS)
        .body(text.replace(NONCE, &nonce))
}

/// No script and no style but ours, and no word with any other host.
fn policy(nonce: &str, ancestors: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; style-src-attr 'none'; connect-src 'self'; \
         img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    )
}

fn asset(request: &Request) -> poem::Result<Response> {
    let name = request.uri().path().rsplit('/').next().unwrap_or_default();
    // files of one folder, as they are named there; their compressed forms have no address of their own
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) && !name.starts_with('.');
    if !is_plain || FORMS.iter().any(|(_, ending)| name.ends_with(ending)) {
        return Err(NotFoundError.into());
    }
    file(request, &format!("assets/{name}"), LASTING)
}

/// Codings, the best first, and what the names of files end with that hold them.
const FORMS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// A file in the smallest form that was built and is understood.
fn file(request: &Request, name: &str, caching: &str) -> poem::Result<Response> {
    let plain = Built::get(name).ok_or(NotFoundError)?;
    let compressed = FORMS.into_iter().find_map(|(coding, ending)| {
        let file = accepts(request.headers(), coding).then(|| Built::get(&format!("{name}{ending}"))).flatten();
        file.map(|file| (coding, file))
    });
    let (coding, EmbeddedFile { data, .. }) = compressed.map_or((None, plain), |(coding, file)| (Some(coding), file));
    let mut response = Response::builder()
        .content_type(content_type(name))
        .header(header::CACHE_CONTROL, caching)
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(header::VARY, "Accept-Encoding")
        .body(data.into_owned());
    if let Some(coding) = coding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    Ok(response)
}

/// Whether a client takes a coding (RFC 9110 section 12.5.3); what is not named is not taken.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING);
    let weight = |wanted: &str| {
        let mut entries = lines.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        entries.find_map(|entry| {
            let (name, rest) = entry.split_once(';').unwrap_or((entry, ""));
            let weight = rest.trim().strip_prefix("q=").and_then(|q| q.trim().parse().ok()).unwrap_or(1.0_f32);
            name.trim().eq_ignore_ascii_case(wanted).then_some(weight)
        })
    };
    weight(coding).or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" => "application/json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_taken_as_the_client_says() {
        for (said, br, gzip) in [
            ("", false, false),
            ("gzip, deflate, br, zstd", true, true),
            ("GZIP", false, true),
            ("br;q=0, gzip;q=0.5", false, true),
            ("br; q=0.0, *", false, true),
            ("*", true, true),
            ("*;q=0", false, false),
            ("identity", false, false),
            ("brotli", false, false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(said))]);
            assert_eq!((accepts(&headers, "br"), accepts(&headers, "gzip")), (br, gzip), "{said}");
        }
        assert!(!accepts(&HeaderMap::new(), "gzip"));
    }

    #[test]
    fn without_a_built_page_there_is_one_that_says_how_to_build_it() {
        for part in ["make ui", "href=\"docs\"", "<html lang=\"en\">"] {
            assert!(MISSING.contains(part), "{part}");
        }
        // nothing that its own policy would refuse
        for part in ["<script", "<style", "style=", "http:", "https:"] {
            assert!(!MISSING.contains(part), "{part}");
        }
    }
}
