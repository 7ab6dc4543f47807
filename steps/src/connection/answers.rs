//! What every response passes before the SDK reads it: a limit of size and time, and the proof that it is whole.

use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::fault::words_of;
use super::whole::{self, Kind, NotWhole};

/// The longest body that is read, in bytes. The longest page that AWS has for our calls is one of a thousand instances,
/// with some eight kilobytes of XML each.
const BODY_MAX: usize = 16 << 20;

/// How long a body may take once its head is there; no single call of ours may take longer in all. The clients that
/// fetch credentials have no such limit of their own.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// The same client, but for responses that are not whole: they are no responses.
///
/// It also serves those who fetch credentials. Their answers are not all XML; they are limited, and whether they are
/// whole shows when they are read.
pub(super) fn whole_answers(client: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(WholeAnswers(client))
}

#[derive(Debug)]
struct WholeAnswers(SharedHttpClient);

impl HttpClient for WholeAnswers {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

#[derive(Debug)]
struct Connector(SharedHttpConnector);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let action = request.body().bytes().and_then(action_of);
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move { read(action.as_deref(), answer.await?).await })
    }
}

/// The name of the API action, in a form of the query protocols; nothing for any other request.
fn action_of(body: &[u8]) -> Option<String> {
    let mut pairs = body.split(|byte| *byte == b'&');
    let action = pairs.find_map(|pair| pair.strip_prefix(b"Action="))?;
    String::from_utf8(action.to_vec()).ok()
}

async fn read(
    action: Option<&str>,
    mut response: HttpResponse,
) -> Result<HttpResponse, ConnectorError> {
    let body = Limited::new(response.take_body(), BODY_MAX).collect();
    let body = tokio::time::timeout(BODY_TIMEOUT, body).await;
    let body = body.map_err(|_| refuse(NotWhole("it does not come to its end".to_owned())))?;
    let mut body = body.map_err(|error| refuse(broken(error.as_ref())))?.to_bytes();
    if let Some(action) = action {
        let status = response.status().as_u16();
        match whole::kind(action, status, &body).map_err(refuse)? {
            Kind::OfTheService => {}
            // The SDK takes a code from wherever it stands.
            Kind::OfAnother => body = Bytes::new(),
        }
    }
    *response.body_mut() = SdkBody::from(body);
    Ok(response)
}

fn broken(error: &(dyn std::error::Error + Send + Sync + 'static)) -> NotWhole {
    if error.is::<LengthLimitError>() {
        return NotWhole(format!("it is longer than {} MiB", BODY_MAX >> 20));
    }
    NotWhole(format!("it breaks off: {}", words_of(error)))
}

fn refuse(why: NotWhole) -> ConnectorError {
    ConnectorError::other(why.into(), None)
}
