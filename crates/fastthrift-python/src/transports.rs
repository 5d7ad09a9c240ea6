//! What the names of transports stand for, on either side. Errors are sentences for the caller.

use fastthrift_rpc::{Carrier, ClientConfig, Framing, ServerConfig, Transform};

use crate::endpoint::Endpoint;

/// What a transport's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transport {
    pub(crate) framing: Framing,
    pub(crate) carrier: Carrier,
    /// How a client transforms its messages, in the Header transport alone.
    pub(crate) transform: Option<Transform>,
}

impl Transport {
    /// The transport of this name.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let plain = |framing| Self { framing, carrier: Carrier::Direct, transform: None };
        let header = |transform| Self { transform: Some(transform), ..plain(Framing::Header) };
        match name {
            "framed" => Ok(plain(Framing::Framed)),
            "unframed" | "buffered" => Ok(plain(Framing::Unframed)),
            "header" => Ok(plain(Framing::Header)),
            "header+zlib" => Ok(header(Transform::Zlib)),
            "header+zstd" => Ok(header(Transform::Zstd)),
            "zlib" => Ok(Self { carrier: Carrier::Zlib, ..plain(Framing::Unframed) }),
            "zlib+framed" => Ok(Self { carrier: Carrier::Zlib, ..plain(Framing::Framed) }),
            "http" | "https" => Err(format!("the transport {name:?} is chosen by the URL: use {name}://host/path")),
            "tcp" | "tls" | "unix" | "memory" => Err(format!("{name:?} is no transport but a kind of URL")),
            other => Err(format!(
                "unknown transport {other:?}, expected 'framed', 'unframed', 'header', 'header+zlib', 'header+zstd', \
                 'zlib' or 'zlib+framed'"
            )),
        }
    }
}

/// The name of what a client speaks, without its transforms.
pub(crate) fn name_of(config: &ClientConfig) -> String {
    match (config.carrier, config.framing) {
        (Carrier::Direct, framing) => framing.to_string(),
        (Carrier::Zlib, Framing::Framed) => "zlib+framed".to_owned(),
        (carrier, _) => carrier.to_string(),
    }
}

/// What a client speaks at an endpoint; by default framed messages.
pub(crate) fn for_client(name: Option<&str>, endpoint: &Endpoint, base: &ClientConfig) -> Result<ClientConfig, String> {
    if endpoint.http_path.is_some() {
        return Err(format!("the URL {endpoint} says HTTP, which is not spoken here"));
    }
    let Transport { framing, carrier, transform } = Transport::named(name.unwrap_or("framed"))?;
    Ok(ClientConfig { framing, carrier, transforms: transform.into_iter().collect(), ..base.clone() })
}

/// What a server accepts at an endpoint; by default each transport that the first bytes tell.
pub(crate) fn for_server(name: Option<&str>, endpoint: &Endpoint, base: &ServerConfig) -> Result<ServerConfig, String> {
    if endpoint.http_path.is_some() {
        return Err(format!("the URL {endpoint} says HTTP, which is not spoken here"));
    }
    accepting(name, base)
}

/// What a server accepts by the name of a transport; `None` is each that the first bytes tell.
pub(crate) fn accepting(name: Option<&str>, base: &ServerConfig) -> Result<ServerConfig, String> {
    let Some(name) = name else { return Ok(ServerConfig { framing: None, carrier: None, ..base.clone() }) };
    let Transport { framing, carrier, transform } = Transport::named(name)?;
    match transform {
        Some(_) => Err(format!("a server takes the transforms that its clients choose: use 'header', not {name:?}")),
        None => Ok(ServerConfig { framing: Some(framing), carrier: Some(carrier), ..base.clone() }),
    }
}
