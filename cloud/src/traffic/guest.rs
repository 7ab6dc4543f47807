//! What runs on the instances.

use std::fmt::Debug;
use std::io;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};

use super::pattern::matches;
use crate::route_table::RouteTarget;

/// Answers for the application on an instance.
///
/// It is asked only for instances that have booted and whose user data has finished.
pub trait Guest: Debug + Send + Sync {
    /// Answers a request on the instance of a target. A time-out becomes the balancer's 504, any other error
    /// its 502.
    fn answer(&self, target: &RouteTarget, request: &Request<Bytes>)
    -> io::Result<Response<Bytes>>;
}

/// Answers as the documented Flask application does, without running it: it knows the paths that stand
/// in the user data of its instance.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlaskApplication;

/// What a Flask route without a method list takes.
const ALLOWED: &str = "GET, HEAD, OPTIONS";

impl Guest for FlaskApplication {
    fn answer(
        &self,
        target: &RouteTarget,
        request: &Request<Bytes>,
    ) -> io::Result<Response<Bytes>> {
        let path = request.uri().path();
        if !target.paths.iter().any(|pattern| matches(pattern, path)) {
            return Ok(error_page(StatusCode::NOT_FOUND, NOT_FOUND));
        }
        let text = if path == "/" || path == target.health_path {
            "Healthy!".to_owned()
        } else {
            format!("Instance {} is responding now!", target.instance_id)
        };
        let mut response = match *request.method() {
            Method::GET | Method::HEAD => page(StatusCode::OK, text),
            Method::OPTIONS => page(StatusCode::OK, String::new()),
            _ => error_page(StatusCode::METHOD_NOT_ALLOWED, METHOD_NOT_ALLOWED),
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(ALLOWED));
        }
        Ok(response)
    }
}

const NOT_FOUND: &str = "The requested URL was not found on the server. If you entered the URL \
                         manually please check your spelling and try again.";
const METHOD_NOT_ALLOWED: &str = "The method is not allowed for the requested URL.";

/// Words an error as Flask's default handler does.
fn error_page(status: StatusCode, explanation: &str) -> Response<Bytes> {
    let reason = status.canonical_reason().unwrap_or_default();
    page(
        status,
        format!(
            "<!doctype html>\n<html lang=en>\n<title>{} {reason}</title>\n<h1>{reason}</h1>\n\
             <p>{explanation}</p>\n",
            status.as_u16()
        ),
    )
}

fn page(status: StatusCode, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::SERVER, HeaderValue::from_static("waitress"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route_table::TargetState;

    fn ask(method: Method, path: &str) -> (u16, String, Option<HeaderValue>) {
        ask_of(&target_with(&["/", "/cluster1", "/cluster2"], "/"), method, path)
    }

    fn target_with(paths: &[&str], health_path: &str) -> RouteTarget {
        RouteTarget {
            instance_id: "i-0abc".to_owned(),
            port: 80,
            health: TargetState::Healthy,
            answers: true,
            reachable: true,
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
            health_path: health_path.to_owned(),
        }
    }

    fn ask_of(
        target: &RouteTarget,
        method: Method,
        path: &str,
    ) -> (u16, String, Option<HeaderValue>) {
        let request = Request::builder().method(method).uri(path).body(Bytes::new()).unwrap();
        let response = FlaskApplication.answer(target, &request).unwrap();
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        (response.status().as_u16(), text, response.headers().get(header::ALLOW).cloned())
    }

    #[test]
    fn it_answers_the_health_check_and_both_clusters_on_every_instance() {
        assert_eq!(ask(Method::GET, "/"), (200, "Healthy!".to_owned(), None));
        for path in ["/cluster1", "/cluster2", "/cluster2?x=1"] {
            let (status, text, _) = ask(Method::GET, path);
            assert_eq!((status, text.as_str()), (200, "Instance i-0abc is responding now!"));
        }
    }

    #[test]
    fn it_knows_the_paths_of_its_user_data_and_no_others() {
        let target = target_with(&["/", "/up", "/blue*"], "/up");
        for (path, status, text) in [
            ("/", 200, "Healthy!"),
            ("/up", 200, "Healthy!"),
            ("/blue/sky", 200, "Instance i-0abc is responding now!"),
        ] {
            let (told, body, _) = ask_of(&target, Method::GET, path);
            assert_eq!((told, body.as_str()), (status, text), "{path}");
        }
        assert_eq!(ask_of(&target, Method::GET, "/cluster1").0, 404);
    }

    #[test]
    fn anything_else_is_not_found_in_the_words_of_flask() {
        for path in ["/cluster1/", "/cluster3", "/Cluster1", "/favicon.ico"] {
            let (status, text, _) = ask(Method::GET, path);
            assert_eq!(status, 404, "{path}");
            assert!(text.starts_with("<!doctype html>\n<html lang=en>\n<title>404 Not Found<"));
        }
    }

    #[test]
    fn other_methods_are_refused_with_the_allowed_ones() {
        let (status, _, allow) = ask(Method::POST, "/cluster1");
        assert_eq!((status, allow), (405, Some(HeaderValue::from_static(ALLOWED))));
        let (status, text, allow) = ask(Method::OPTIONS, "/");
        assert_eq!((status, text.as_str()), (200, ""));
        assert!(allow.is_some());
        assert_eq!(ask(Method::POST, "/nowhere").0, 404);
    }
}
