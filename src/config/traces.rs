//! Where traces go. The names of the variables are OpenTelemetry's own: what sets them for other programs sets them for this one.

use clap::Args;
use secrecy::SecretString;
use url::Url;

/// Where spans are sent to, and which.
#[derive(Args, Clone, Debug)]
pub struct TracesConfig {
    /// Collector that spans are sent to over OTLP (http/protobuf), such as http://localhost:4318; /v1/traces is added. None are made when unset
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_parser = endpoint)]
    pub otlp_endpoint: Option<Endpoint>,

    /// Headers for the collector, as name=value separated by commas, values percent-encoded
    #[arg(long, env = "OTEL_EXPORTER_OTLP_HEADERS", hide_env_values = true)]
    pub otlp_headers: Option<SecretString>,

    /// Share of traces recorded that begin here (0 to 1); those that began elsewhere are recorded if they are there
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", default_value_t = 1.0, value_parser = share)]
    pub traces_ratio: f64,

    /// service.name of the spans
    #[arg(long, env = "OTEL_SERVICE_NAME", default_value = "posthorn")]
    pub service_name: String,
}

impl Default for TracesConfig {
    fn default() -> Self {
        Self { otlp_endpoint: None, otlp_headers: None, traces_ratio: 1.0, service_name: "posthorn".to_owned() }
    }
}

/// A collector's base, or nothing: a variable that is set to nothing is one that is not set, says the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Option<Url>);

impl Endpoint {
    /// Where spans are posted to.
    pub fn traces_url(&self) -> Option<String> {
        let base = self.0.as_ref()?.as_str();
        Some(format!("{}/v1/traces", base.trim_end_matches('/')))
    }
}

fn endpoint(text: &str) -> Result<Endpoint, String> {
    if text.trim().is_empty() {
        return Ok(Endpoint(None));
    }
    let url = Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && super::page::is_bare(url));
    url.map(|url| Endpoint(Some(url)))
        .ok_or_else(|| "must be a URL such as http://localhost:4318, without user name, password or query".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "must be a number from 0 to 1, such as 0.1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_base_or_nothing() {
        let url = |text| endpoint(text).map(|endpoint| endpoint.traces_url());
        assert_eq!(url("http://localhost:4318"), Ok(Some("http://localhost:4318/v1/traces".to_owned())));
        assert_eq!(url("https://otel.example.com/a/"), Ok(Some("https://otel.example.com/a/v1/traces".to_owned())));
        assert_eq!(url(" "), Ok(None));
        for bad in ["localhost:4318", "grpc://localhost:4317", "http://user:pass@localhost", "http://localhost/?key=1"]
        {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_share_is_from_0_to_1() {
        assert_eq!(share("0.25"), Ok(0.25));
        for bad in ["", "-0.1", "1.1", "NaN", "all"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }
}
