//! Where a service is reached, as a URL names it.

use std::fmt;
use std::path::PathBuf;

/// An address to connect to or to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `tcp://host:port`; an IPv6 address stands in brackets.
    Tcp {
        /// A name or an address, without brackets.
        host: String,
        /// The port; 0 lets the system choose one to listen on.
        port: u16,
    },
    /// `unix:///path`
    Unix(PathBuf),
}

impl Endpoint {
    /// Reads a URL. The error is a sentence for the caller.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("unix://") {
            return match path {
                "" => Err(format!("the URL {url:?} has no path, expected unix:///path")),
                path => Ok(Self::Unix(path.into())),
            };
        }
        let Some(address) = url.strip_prefix("tcp://") else {
            return Err(format!("cannot use the URL {url:?}, expected tcp://host:port or unix:///path"));
        };
        let bad = || format!("cannot read the URL {url:?}, expected tcp://host:port with a port of 0 to 65535");
        let (host, port) = address.trim_end_matches('/').rsplit_once(':').ok_or_else(bad)?;
        let bare = host.strip_prefix('[').map_or(Some(host), |host| host.strip_suffix(']')).ok_or_else(bad)?;
        if bare.is_empty() || (bare.contains(':') && bare.len() == host.len()) || bare.contains('/') {
            return Err(bad());
        }
        Ok(Self::Tcp { host: bare.to_owned(), port: port.parse().map_err(|_| bad())? })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}
