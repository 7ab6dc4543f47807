//! From an HTTP request to the handler of its action.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};

use crate::handler::Route;
use crate::state::DEFAULT_REGION;
use crate::wire::dialect::Service;
use crate::wire::params::Params;
use crate::wire::refusal::Refusal;
use crate::{autoscaling, ec2, elb, regions, sts};

/// Gives the actions of a service.
pub(crate) fn routes(service: Service) -> &'static [Route] {
    match service {
        Service::Ec2 => ec2::ROUTES,
        Service::Elb => elb::ROUTES,
        Service::AutoScaling => autoscaling::ROUTES,
        Service::Sts => sts::ROUTES,
    }
}

/// Lists every action that is modelled, with the name under which its service signs.
pub fn modelled_actions() -> impl Iterator<Item = (&'static str, &'static str)> {
    Service::ALL.into_iter().flat_map(|service| {
        routes(service).iter().map(move |route| (service.signing_name(), route.action))
    })
}

/// A request that was understood as far as its action.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) route: &'static Route,
    pub(crate) region: String,
    pub(crate) params: Params,
}

/// Bodies above this size are refused; a launch template with all it may hold stays far below.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Understands a request, or says why not, together with the dialect for saying so.
pub(crate) fn understand(request: &Request<Bytes>) -> Result<Call, (Service, Refusal)> {
    let scope = Scope::of(request.headers(), request.uri());
    let dialect = scope.dialect();
    let refuse = |code, message: String| Err((dialect, Refusal::new(code, message)));
    if !regions::exists(&scope.region) {
        let message = format!(
            "Credential should be scoped to a valid region. '{}' is none: set AWS_DEFAULT_REGION or \
             --region to one of the commercial regions of AWS, as {DEFAULT_REGION}",
            scope.region
        );
        return refuse("SignatureDoesNotMatch", message).map_err(|(d, r)| (d, r.with_status(403)));
    }
    if request.method() != Method::POST {
        let message = format!("The method {} is not supported: use POST", request.method());
        return refuse("InvalidAction", message).map_err(|(d, r)| (d, r.with_status(405)));
    }
    if request.body().len() > BODY_BYTES_MAX {
        let message = format!("The request body is larger than {BODY_BYTES_MAX} bytes");
        return refuse("RequestEntityTooLarge", message).map_err(|(d, r)| (d, r.with_status(413)));
    }
    if std::str::from_utf8(request.body()).is_err() {
        return refuse("MalformedQueryString", "The request body is not UTF-8".to_owned());
    }
    let pairs: Vec<(String, String)> =
        form_urlencoded::parse(request.body()).into_owned().collect();
    let find = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, text)| text);
    let Some(action) = find("Action").cloned() else {
        return refuse("MissingAction", "The request has no Action parameter".to_owned());
    };
    let version = find("Version").cloned().unwrap_or_default();
    let Some(service) = Service::by_version(&version) else {
        let message = format!("The action {action} is not valid for version '{version}'");
        return refuse("InvalidAction", message);
    };
    let Some(route) = routes(service).iter().find(|route| route.action == action) else {
        let message = format!("The action {action} is not valid for this web service.");
        return Err((service, Refusal::new("InvalidAction", message)));
    };
    let rest = pairs.into_iter().filter(|(name, _)| name != "Action" && name != "Version");
    let params = Params::new(service, rest).map_err(|refusal| (service, refusal))?;
    Ok(Call { service, route, region: scope.region, params })
}

/// Tells in whose words a request is answered of which no more than the head is known.
pub(crate) fn dialect_of(headers: &HeaderMap, uri: &Uri) -> Service {
    Scope::of(headers, uri).dialect()
}

/// Key, region and service of a request's signature. The signature itself is not verified; the door checks
/// the key.
pub(crate) struct Scope {
    /// The id of the key that the request is signed with, if it is signed.
    pub(crate) access_key_id: Option<String>,
    region: String,
    service: Option<Service>,
}

impl Scope {
    /// Reads `Credential=KEY/DATE/REGION/SERVICE/aws4_request` from the header, without one `X-Amz-Credential` from
    /// the query, or falls back to the default region.
    pub(crate) fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        let credential = credential(headers, uri);
        let mut parts = credential.as_deref().unwrap_or_default().split('/');
        let access_key_id = parts.next().filter(|id| !id.is_empty()).map(str::to_owned);
        let mut parts = parts.skip(1);
        let region = parts.next().unwrap_or(DEFAULT_REGION);
        let signed_for = parts.next().unwrap_or_default();
        let service = Service::ALL.into_iter().find(|it| it.signing_name() == signed_for);
        Self { access_key_id, region: region.to_owned(), service }
    }

    /// Gives the service that the request is signed for, or the one that most clients use.
    fn dialect(&self) -> Service {
        self.service.unwrap_or(Service::Ec2)
    }
}

/// Finds the credential of a signature of version 4, in the header or, of a signed URL, in the query.
fn credential(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    if let Some(header) = headers.get(http::header::AUTHORIZATION) {
        let credential = header.to_str().ok()?.split("Credential=").nth(1)?;
        return credential.split([',', ' ']).next().map(str::to_owned);
    }
    let mut query = form_urlencoded::parse(uri.query()?.as_bytes());
    query.find_map(|(name, value)| (name == "X-Amz-Credential").then(|| value.into_owned()))
}
