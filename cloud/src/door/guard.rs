//! Who may speak to the API: programs on this machine, not web pages elsewhere.

use http::header::{self, HeaderName};
use http::request::Parts;

/// The names under which a loopback address is known.
const LOOPBACK_NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Says where a browser's request comes from; other programs do not send it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Admits requests that are meant for this door.
///
/// A page in a browser can send requests to any loopback port, and by rebinding a name it can read
/// the answers too. The first shows in `Origin` and `Sec-Fetch-Site`, the second in `Host`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    port: u16,
}

impl Guard {
    pub(super) fn new(port: u16) -> Self {
        Self { port }
    }

    /// Says why a request is refused, if it is.
    pub(super) fn refusal(self, head: &Parts) -> Option<&'static str> {
        let mut hosts = head.headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|value| value.to_str().ok());
        if hosts.next().is_some() || !host.is_some_and(|host| self.is_own(host)) {
            return Some("the Host header must be this endpoint's own, as 127.0.0.1 and its port");
        }
        if head.uri.authority().is_some_and(|authority| !self.is_own(authority.as_str())) {
            return Some("the request is meant for another host");
        }
        if head.headers.get_all(header::ORIGIN).iter().any(|origin| {
            let own = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
            !own.is_some_and(|host| self.is_own(host))
        }) {
            return Some("a page of another origin may not use this endpoint");
        }
        let from_elsewhere = head
            .headers
            .get_all(SEC_FETCH_SITE)
            .iter()
            .any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
        from_elsewhere.then_some("a page of another site may not use this endpoint")
    }

    /// Tells whether `host` names this door: a loopback name with the door's port.
    fn is_own(self, host: &str) -> bool {
        host.rsplit_once(':').is_some_and(|(name, port)| {
            LOOPBACK_NAMES.iter().any(|own| own.eq_ignore_ascii_case(name))
                && port == self.port.to_string()
        })
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn admits(headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        Guard::new(4566).refusal(&head).is_none()
    }

    #[test]
    fn its_own_names_with_its_own_port_are_admitted() {
        for host in ["127.0.0.1:4566", "localhost:4566", "LocalHost:4566", "[::1]:4566"] {
            assert!(admits(&[("host", host)]), "{host}");
        }
    }

    #[test]
    fn a_foreign_a_missing_or_a_second_host_is_refused() {
        for host in [
            "example.com:4566",
            "127.0.0.1.example.com:4566",
            "localhost.:4566",
            "127.0.0.1",
            "127.0.0.1:4567",
            "127.0.0.1:04566",
            "0.0.0.0:4566",
            "",
        ] {
            assert!(!admits(&[("host", host)]), "{host}");
        }
        assert!(!admits(&[]));
        assert!(!admits(&[("host", "127.0.0.1:4566"), ("host", "example.com")]));
    }

    #[test]
    fn an_absolute_uri_must_name_the_door_too() {
        let request = |uri: &str| {
            let request = Request::builder().uri(uri).header("host", "127.0.0.1:4566").body(());
            Guard::new(4566).refusal(&request.unwrap().into_parts().0).is_none()
        };
        assert!(request("http://127.0.0.1:4566/"));
        assert!(!request("http://example.com/"));
    }

    #[test]
    fn a_page_of_another_origin_or_site_is_refused() {
        let own = ("host", "127.0.0.1:4566");
        assert!(admits(&[own, ("origin", "http://localhost:4566")]));
        assert!(admits(&[own, ("sec-fetch-site", "none")]));
        for origin in ["null", "https://example.com", "http://localhost:3000", "http://127.0.0.1"] {
            assert!(!admits(&[own, ("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            assert!(!admits(&[own, ("sec-fetch-site", site)]), "{site}");
        }
    }
}
