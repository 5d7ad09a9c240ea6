//! Where a service is reached, as a URL names it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{Carrier, ClientConfig, Framing, Headers, HttpTargetError, ServerConfig};

/// The forms of a URL.
const FORMS: &str = "tcp://host:port, tls://host:port, unix:///path, http://host[:port]/path, \
                     https://host[:port]/path or memory://name";
/// The bytes of the longest URL.
const MAX_URL: usize = 8 << 10;

/// Where to connect to or to listen on, and what the bytes of the messages are wrapped in there.
///
/// It prints as the URL that it was read from, with a port that was left out filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where the bytes go.
    pub address: Address,
    /// Whether TLS protects them.
    pub is_secure: bool,
    /// The path of the requests, query included, where HTTP carries the messages: visible ASCII that starts with a slash.
    pub http_path: Option<Arc<str>>,
}

/// What a socket is bound or connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A port of a host.
    Tcp {
        /// A name or an address, without brackets.
        host: String,
        /// The port; 0 lets the system choose one to listen on.
        port: u16,
    },
    /// A UNIX socket's file.
    Unix(PathBuf),
    /// A name within this process.
    Memory(Arc<str>),
    /// What a user wrote to move bytes; its name.
    Custom(Arc<str>),
}

impl Endpoint {
    /// Reads a URL. The error is a sentence for the caller.
    pub fn parse(url: &str) -> Result<Self, String> {
        if url.len() > MAX_URL {
            return Err(format!("a URL of {} bytes is over the limit of {MAX_URL}", url.len()));
        }
        let plain = |address| Self { address, is_secure: false, http_path: None };
        match url.split_once("://") {
            Some(("tcp", rest)) => Ok(plain(host_and_port(url, "tcp", rest.trim_end_matches('/'), None)?)),
            Some(("tls", rest)) => {
                let address = host_and_port(url, "tls", rest.trim_end_matches('/'), None)?;
                Ok(Self { is_secure: true, ..plain(address) })
            }
            Some(("unix", "")) => Err(format!("the URL {url:?} has no path, expected unix:///path")),
            Some(("unix", path)) if path.contains('\0') => {
                Err(format!("the path of the URL {url:?} holds a zero byte"))
            }
            Some(("unix", path)) => Ok(plain(Address::Unix(path.into()))),
            Some(("memory", name)) => Ok(plain(memory(url, name)?)),
            Some(("http", rest)) => http(url, "http", rest, 80),
            Some(("https", rest)) => Ok(Self { is_secure: true, ..http(url, "https", rest, 443)? }),
            _ => Err(format!("cannot use the URL {url:?}, expected {FORMS}")),
        }
    }

    /// That of a transport that a user wrote.
    pub fn custom(name: &str) -> Self {
        Self { address: Address::Custom(name.into()), is_secure: false, http_path: None }
    }

    /// The part of the URL before `://`.
    pub fn scheme(&self) -> &'static str {
        match (&self.address, self.is_secure, &self.http_path) {
            (_, false, Some(_)) => "http",
            (_, true, Some(_)) => "https",
            (Address::Tcp { .. }, false, None) => "tcp",
            (_, true, None) => "tls",
            (Address::Unix(_), false, None) => "unix",
            (Address::Memory(_), false, None) => "memory",
            (Address::Custom(_), false, None) => "custom",
        }
    }

    /// The host's name or address, where there is one: what a certificate has to be for.
    pub fn host(&self) -> Option<&str> {
        match &self.address {
            Address::Tcp { host, .. } => Some(host),
            Address::Unix(_) | Address::Memory(_) | Address::Custom(_) => None,
        }
    }

    /// Lets HTTP carry a client's messages where the URL says so; all else that is configured stays. Whether it does.
    ///
    /// The headers go out with each request, as [`crate::HttpClient::new`] says.
    pub fn configure_client(&self, config: &mut ClientConfig, headers: &Headers) -> Result<bool, HttpTargetError> {
        let Some(path) = &self.http_path else { return Ok(false) };
        config.http = crate::HttpClient::new(&self.authority(), path, headers)?;
        config.carrier = Carrier::Http;
        config.framing = Framing::Unframed;
        Ok(true)
    }

    /// Lets HTTP carry what a server takes where the URL says so; all else that is configured stays. Whether it does.
    ///
    /// Requests are taken at the URL's path, at `/` those of any path. The error is a sentence for the caller: the URL has a query,
    /// which is the clients' to say.
    pub fn configure_server(&self, config: &mut ServerConfig) -> Result<bool, String> {
        let Some(path) = &self.http_path else { return Ok(false) };
        if path.contains('?') {
            return Err(format!("a server takes requests whatever their query is: leave it out of {self}"));
        }
        config.http.path = Some(path.to_string()).filter(|path| path != "/");
        config.carrier = Some(Carrier::Http);
        config.framing = None;
        Ok(true)
    }

    /// What stands in the `Host` field of HTTP requests: the port is left out where it is the usual one (RFC 9110, 7.2).
    pub fn authority(&self) -> String {
        match &self.address {
            Address::Tcp { host, port } if *port == usual_port(self.is_secure) => bracketed(host),
            Address::Tcp { host, port } => format!("{}:{port}", bracketed(host)),
            Address::Unix(_) | Address::Memory(_) | Address::Custom(_) => "localhost".to_owned(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.http_path.as_deref().unwrap_or_default();
        write!(f, "{}://{}{path}", self.scheme(), self.address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{}:{port}", bracketed(host)),
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Memory(name) | Self::Custom(name) => f.write_str(name),
        }
    }
}

/// An IPv6 address in brackets, anything else as it is.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn usual_port(is_secure: bool) -> u16 {
    if is_secure { 443 } else { 80 }
}

fn memory(url: &str, name: &str) -> Result<Address, String> {
    match name.trim_end_matches('/') {
        "" => Err(format!("the URL {url:?} has no name, expected memory://name")),
        name if name.contains('/') => Err(format!("the name of the URL {url:?} holds a slash, expected memory://name")),
        name => Ok(Address::Memory(name.into())),
    }
}

fn http(url: &str, scheme: &str, rest: &str, usual: u16) -> Result<Endpoint, String> {
    let start = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(start);
    if path.contains('#') {
        return Err(format!("the URL {url:?} has a fragment, which no server gets to see"));
    }
    // What is not visible could end the line that the path stands in, and add others.
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("the path of the URL {url:?} holds more than visible ASCII: percent-encode the rest"));
    }
    let address = host_and_port(url, scheme, authority, Some(usual))?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok(Endpoint { address, is_secure: false, http_path: Some(format!("{slash}{path}").into()) })
}

/// Reads `host:port`; without a port it is the usual one, where there is one.
fn host_and_port(url: &str, scheme: &str, authority: &str, usual: Option<u16>) -> Result<Address, String> {
    if authority.contains('@') {
        // The URL may hold a password, so the text does not repeat it.
        return Err(format!("a URL of {scheme} cannot hold a user's name or password"));
    }
    let form = if usual.is_some() { "host[:port]/path" } else { "host:port" };
    let bad = || format!("cannot read the URL {url:?}, expected {scheme}://{form} with a port of 0 to 65535");
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(bad)?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or_else(bad)?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_name = |host: &str| host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#[]\\".contains(&byte));
    if host.is_empty() || !is_name(host) {
        return Err(bad());
    }
    let port = match (port, usual) {
        (Some(port), _) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().map_err(|_| bad())?,
        (None, Some(usual)) => usual,
        _ => return Err(bad()),
    };
    Ok(Address::Tcp { host: host.to_owned(), port })
}
