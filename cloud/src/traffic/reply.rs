//! The balancer's own answers.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};

const SERVER: &str = "awselb/2.0";

/// No target could be chosen.
pub(super) fn unavailable() -> Response<Bytes> {
    titled_page(StatusCode::SERVICE_UNAVAILABLE, "503 Service Temporarily Unavailable")
}

/// The target refused or closed the connection.
pub(super) fn bad_gateway() -> Response<Bytes> {
    titled_page(StatusCode::BAD_GATEWAY, "502 Bad Gateway")
}

/// The target did not answer in time. On AWS this takes ten seconds; here it is known at once.
pub(super) fn gateway_timeout() -> Response<Bytes> {
    titled_page(StatusCode::GATEWAY_TIMEOUT, "504 Gateway Time-out")
}

/// Answers with the page of a status, under the name that HTTP gives it.
pub(crate) fn error_page(status: StatusCode) -> Response<Bytes> {
    let reason = status.canonical_reason().unwrap_or_default();
    titled_page(status, &format!("{} {reason}", status.as_u16()))
}

/// Words a page byte for byte as the load balancer does.
fn titled_page(status: StatusCode, title: &str) -> Response<Bytes> {
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n\
         <center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    );
    answer(status, Some("text/html"), Bytes::from(page))
}

/// Answers with what a fixed-response action says.
pub(super) fn fixed(
    status: u16,
    content_type: Option<&str>,
    body: Option<&str>,
) -> Response<Bytes> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = body.unwrap_or_default().to_owned();
    answer(status, content_type.or(Some("text/plain")), Bytes::from(body))
}

/// Where a redirect action sends a client, with the placeholders of its parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct RedirectTarget<'a> {
    pub(super) protocol: &'a str,
    pub(super) host: &'a str,
    pub(super) port: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
}

/// Sends a client elsewhere.
pub(super) fn redirect(
    status: u16,
    target: &RedirectTarget<'_>,
    listener_port: u16,
    request: &Request<Bytes>,
) -> Response<Bytes> {
    let location = location(target, listener_port, request);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
    let mut response = error_page(status);
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Fills the placeholders of a redirect with the parts of the request.
fn location(target: &RedirectTarget<'_>, listener_port: u16, request: &Request<Bytes>) -> String {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.unwrap_or_default();
    let host_name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let uri = request.uri();
    let fill = |text: &str| {
        text.replace("#{protocol}", "http")
            .replace("#{host}", host_name)
            .replace("#{port}", &listener_port.to_string())
            .replace("#{path}", uri.path().trim_start_matches('/'))
            .replace("#{query}", uri.query().unwrap_or_default())
    };
    let protocol = fill(target.protocol).to_ascii_lowercase();
    let query = fill(target.query);
    let separator = if query.is_empty() { "" } else { "?" };
    format!(
        "{protocol}://{}:{}{}{separator}{query}",
        fill(target.host),
        fill(target.port),
        fill(target.path)
    )
}

fn answer(status: StatusCode, content_type: Option<&str>, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static(SERVER));
    if let Some(value) = content_type.and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_pages_are_those_of_the_load_balancer_to_the_byte() {
        for (response, status, length) in
            [(bad_gateway(), 502, 122), (unavailable(), 503, 162), (gateway_timeout(), 504, 132)]
        {
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.body().len(), length, "{status}");
            assert_eq!(response.headers()[header::SERVER], "awselb/2.0");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html");
        }
    }

    #[test]
    fn a_redirect_fills_its_placeholders_from_the_request() {
        let request = Request::builder()
            .uri("/a/b?c=d")
            .header(header::HOST, "example.invalid:8080")
            .body(Bytes::new())
            .unwrap();
        let same = RedirectTarget {
            protocol: "#{protocol}",
            host: "#{host}",
            port: "#{port}",
            path: "/#{path}",
            query: "#{query}",
        };
        let secure = RedirectTarget { protocol: "HTTPS", port: "443", query: "", ..same };
        let location = |target| {
            let response = redirect(301, &target, 80, &request);
            assert_eq!(response.status().as_u16(), 301);
            response.headers()[header::LOCATION].to_str().unwrap().to_owned()
        };
        assert_eq!(location(same), "http://example.invalid:80/a/b?c=d");
        assert_eq!(location(secure), "https://example.invalid:443/a/b");
    }

    #[test]
    fn a_fixed_response_says_what_its_action_says() {
        let response = fixed(410, Some("text/html"), Some("gone"));
        assert_eq!((response.status().as_u16(), response.body().as_ref()), (410, &b"gone"[..]));
        assert_eq!(fixed(200, None, None).headers()[header::CONTENT_TYPE], "text/plain");
    }
}
