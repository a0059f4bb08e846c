//! Settings of the admin page, and where the server is reached.

use clap::Args;
use url::Url;

/// The admin page at `/`.
#[derive(Args, Clone, Debug)]
pub struct PageConfig {
    /// Serve the admin page at /
    #[arg(long, env = "POSTHORN_PAGE", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub page: bool,

    /// Origins (scheme, host, port) whose pages may show the admin page in a frame, separated by commas: https, or http on localhost; none unless given
    #[arg(long, env = "POSTHORN_PAGE_ANCESTORS", value_delimiter = ',', value_parser = frame_origin)]
    pub page_ancestors: Vec<String>,
}

/// Reads where the server is reached; answers without a slash at the end.
pub(super) fn public_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "https" | "http") && is_bare(url));
    url.map(|url| url.as_str().trim_end_matches('/').to_owned())
        .ok_or_else(|| "must be a URL such as https://hooks.example.com, without login, query and fragment".to_owned())
}

/// Reads an origin: https, or http on this machine.
fn frame_origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text.trim()).ok().filter(|url| url.path() == "/" && is_bare(url));
    let url = url.filter(|url| {
        let host = url.host_str().unwrap_or_default();
        let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        // it becomes a part of a header, where other letters would mean something
        let is_plain = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
        is_plain && (url.scheme() == "https" || url.scheme() == "http" && is_here)
    });
    url.map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| "must be origins such as https://app.example.com, or http on localhost".to_owned())
}

/// Whether a URL is nothing but scheme, host, port and path.
pub(super) fn is_bare(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_may_embed_the_page() {
        for (given, read) in [
            ("https://app.example.com", "https://app.example.com"),
            (" https://APP.example.com:8443/ ", "https://app.example.com:8443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(frame_origin(given).as_deref(), Ok(read), "{given}");
        }
        for given in [
            "",
            "*",
            "'self'",
            "app.example.com",
            "http://app.example.com",
            "https://*.example.com",
            "https://a.example;script-src",
            "https://a.example/path",
            "https://a.example/?q",
            "https://user@a.example",
            "data:text/html,x",
        ] {
            assert!(frame_origin(given).is_err(), "{given}");
        }
    }

    #[test]
    fn a_public_url_is_a_base() {
        assert_eq!(public_url("https://example.com/posthorn/").as_deref(), Ok("https://example.com/posthorn"));
        assert_eq!(public_url("http://localhost:8080").as_deref(), Ok("http://localhost:8080"));
        for given in ["", "example.com", "ftp://example.com", "https://u:p@example.com", "https://example.com/#x", "/x"]
        {
            assert!(public_url(given).is_err(), "{given}");
        }
    }
}
