//! What the names of transports stand for, on either side. Errors are sentences for the caller.

use fastthrift_rpc::{Carrier, ClientConfig, Framing, Headers, ServerConfig, ServerConnection, Transform};

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
    name_of_both(config.carrier, config.framing)
}

/// The name of what a server's peer speaks, without its transforms; `None` before that is known.
pub(crate) fn name_of_peers(connection: &ServerConnection) -> Option<String> {
    Some(name_of_both(connection.carrier()?, connection.dialect()?.framing))
}

fn name_of_both(carrier: Carrier, framing: Framing) -> String {
    match (carrier, framing) {
        (Carrier::Direct, framing) => framing.to_string(),
        (Carrier::Zlib, Framing::Framed) => "zlib+framed".to_owned(),
        (carrier, _) => carrier.to_string(),
    }
}

/// What a client speaks at an endpoint; by default framed messages, or HTTP where the URL says so. Of the headers, which have
/// to be such as HTTP can carry then, those that are the client's own go out with each request.
pub(crate) fn for_client(
    name: Option<&str>,
    endpoint: &Endpoint,
    headers: &Headers,
    base: &ClientConfig,
) -> Result<ClientConfig, String> {
    check_sasl(base.sasl.is_some(), name, endpoint)?;
    if endpoint.http_path.is_some() {
        check_http(name, endpoint)?;
        let mut config = base.clone();
        let own = headers.iter().filter(|(name, _)| is_of_the_client(name)).collect();
        for headers in [headers, &own] {
            endpoint.configure_client(&mut config, headers).map_err(|error| error.to_string())?;
        }
        return Ok(config);
    }
    let Transport { framing, carrier, transform } = Transport::named(name.unwrap_or("framed"))?;
    Ok(ClientConfig { framing, carrier, transforms: transform.into_iter().collect(), ..base.clone() })
}

/// What a server accepts at an endpoint; by default each transport that the first bytes tell, or HTTP where the URL says so.
pub(crate) fn for_server(name: Option<&str>, endpoint: &Endpoint, base: &ServerConfig) -> Result<ServerConfig, String> {
    check_sasl(base.sasl.is_some(), name, endpoint)?;
    if endpoint.http_path.is_none() {
        return accepting(name, base);
    }
    check_http(name, endpoint)?;
    let mut config = base.clone();
    endpoint.configure_server(&mut config)?;
    Ok(config)
}

/// Refuses SASL where it cannot be: behind it there are frames, and nothing else.
fn check_sasl(is_given: bool, name: Option<&str>, endpoint: &Endpoint) -> Result<(), String> {
    match name {
        _ if !is_given => Ok(()),
        _ if endpoint.http_path.is_some() => {
            Err(format!("sasl is not for {endpoint}: HTTP has a header for that, Authorization"))
        }
        None | Some("framed") => Ok(()),
        Some(name) => {
            Err(format!("sasl has frames of its own, so the transport is 'framed' or left out, not {name:?}"))
        }
    }
}

/// Whether a header of HTTP is the same for all requests of a client.
pub(crate) fn is_of_the_client(name: &str) -> bool {
    ["accept", "content-type", "user-agent"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// Refuses transports that are none of HTTP, whose bodies are unframed messages.
fn check_http(name: Option<&str>, endpoint: &Endpoint) -> Result<(), String> {
    let Some(name) = name else { return Ok(()) };
    match Transport::named(name)? {
        Transport { framing: Framing::Unframed, carrier: Carrier::Direct, .. } => Ok(()),
        _ => Err(format!(
            "{endpoint} carries unframed messages over HTTP, not {name:?}: leave the transport out, or use tcp:// or tls://"
        )),
    }
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
