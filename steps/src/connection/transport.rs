//! How a request gets to AWS: over the network, or through a function.

use std::fmt;
use std::io;
use std::sync::Arc;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;

use super::answers::whole_answers;

/// What becomes of a request that is sent.
pub type Answer = BoxFuture<'static, Result<http::Response<Bytes>, TransportFault>>;

/// Sends one request and gives its response.
pub type SendFunction = Arc<dyn Fn(http::Request<Bytes>) -> Answer + Send + Sync>;

/// The way of requests: the seam where tests and rehearsed faults sit.
#[derive(Clone)]
pub enum Transport {
    /// The SDK's own client over the network.
    Network,
    /// The SDK's own client to an embedded cloud. Its access key is a secret, so it is not part of the target, which is
    /// stored.
    Embedded {
        /// The access key id that every call carries.
        access_key_id: String,
    },
    /// A function in this process. Time is tokio's then, so that it can be paused.
    Function(SendFunction),
}

impl Transport {
    /// Sends every request through `send`.
    pub fn function<F>(send: F) -> Self
    where
        F: Fn(http::Request<Bytes>) -> Answer + Send + Sync + 'static,
    {
        Self::Function(Arc::new(send))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "Network",
            Self::Embedded { .. } => "Embedded",
            Self::Function(_) => "Function",
        })
    }
}

/// Why a request has no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransportFault {
    /// Nobody took the connection: the request surely had no effect.
    #[error("the connection was refused")]
    Refused,
    /// The connection broke before the response was there: the request may have had its effect.
    #[error("the connection was dropped")]
    Dropped,
    /// No response came in time: the request may have had its effect.
    #[error("no response came in time")]
    TimedOut,
}

/// The SDK's own client over the network, for answers that are whole: the usual one, or one that knows no proxy of
/// the environment.
pub(super) fn network_client(past_proxies: bool) -> SharedHttpClient {
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let tls = Provider::Rustls(CryptoMode::AwsLc);
        let mut builder = Connector::builder().tls_provider(tls);
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.set_proxy_config((!past_proxies).then(ProxyConfig::from_env));
        builder.build()
    });
    whole_answers(client)
}

/// Makes the SDK's client out of a function.
pub(super) fn client_of(send: SendFunction) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(FunctionConnector(send));
    whole_answers(http_client_fn(move |_, _| connector.clone()))
}

struct FunctionConnector(SendFunction);

impl fmt::Debug for FunctionConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FunctionConnector")
    }
}

impl HttpConnector for FunctionConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let send = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = plain_request(request).await?;
            let response = send(request).await.map_err(connector_error)?;
            sdk_response(response)
        })
    }
}

async fn plain_request(request: HttpRequest) -> Result<http::Request<Bytes>, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
    Ok(http::Request::from_parts(parts, body))
}

fn sdk_response(response: http::Response<Bytes>) -> Result<HttpResponse, ConnectorError> {
    HttpResponse::try_from(response.map(SdkBody::from))
        .map_err(|error| ConnectorError::other(error.into(), None))
}

fn connector_error(fault: TransportFault) -> ConnectorError {
    match fault {
        TransportFault::Refused => ConnectorError::io(fault.into()).never_connected(),
        TransportFault::Dropped => {
            ConnectorError::io(io::Error::new(io::ErrorKind::ConnectionReset, fault).into())
        }
        TransportFault::TimedOut => ConnectorError::timeout(fault.into()),
    }
}
