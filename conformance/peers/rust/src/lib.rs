//! Apache's Rust crate: the arguments of the two programs, and the transports and protocols that they name.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TCompactInputProtocol, TCompactOutputProtocol, TInputProtocol,
    TMultiplexedOutputProtocol, TOutputProtocol,
};
use thrift::transport::{
    TBufferedReadTransport, TBufferedWriteTransport, TFramedReadTransport, TFramedWriteTransport, TIoChannel,
    TReadTransport, TTcpChannel, TTlsClientChannel, TWriteTransport,
};

#[path = "../gen/conformance.rs"]
#[allow(clippy::all)]
pub mod conformance;

/// What the servers call the service for clients that multiplex.
pub const MULTIPLEXED_NAME: &str = "conformance";

const TIMEOUT: Duration = Duration::from_secs(20);

pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;
pub type Protocols = (Box<dyn TInputProtocol>, Box<dyn TOutputProtocol>);

/// What a program is asked for: `--name value`, over and over.
pub struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// Reads the command line.
    pub fn parse() -> Outcome<Self> {
        let mut arguments = std::env::args().skip(1);
        let mut found = BTreeMap::new();
        while let Some(name) = arguments.next() {
            let name = name.strip_prefix("--").ok_or("expected --name value")?;
            found.insert(name.to_owned(), arguments.next().ok_or("expected a value")?);
        }
        Ok(Self(found))
    }

    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn get(&self, name: &str) -> Outcome<&str> {
        self.find(name).ok_or_else(|| format!("--{name} is missing").into())
    }

    /// The scheme of the URL, and what follows it.
    pub fn endpoint(&self) -> Outcome<(&str, &str)> {
        self.get("url")?.split_once("://").ok_or_else(|| "expected a URL".into())
    }

    pub fn is_framed(&self) -> bool {
        self.find("transport") == Some("framed")
    }

    pub fn is_compact(&self) -> bool {
        self.find("protocol") == Some("compact")
    }

    /// Connects, and speaks as is asked for.
    pub fn connect(&self, multiplexed: Option<&str>) -> Outcome<Protocols> {
        let (scheme, address) = self.endpoint()?;
        match scheme {
            "unix" => {
                let stream = UnixStream::connect(address)?;
                stream.set_read_timeout(Some(TIMEOUT))?;
                self.speak(stream, multiplexed)
            }
            "tls" => {
                let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
                let name = ServerName::try_from(host.to_owned())?;
                self.speak(TTlsClientChannel::with_stream(self.dial(address)?, name, self.trust()?)?, multiplexed)
            }
            _ => self.speak(TTcpChannel::with_stream(self.dial(address)?), multiplexed),
        }
    }

    fn dial(&self, address: &str) -> Outcome<TcpStream> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(stream)
    }

    fn speak<C: TIoChannel + Read + Write + 'static>(
        &self,
        channel: C,
        multiplexed: Option<&str>,
    ) -> Outcome<Protocols> {
        let (reads, writes) = channel.split()?;
        let (reads, writes): (Box<dyn TReadTransport>, Box<dyn TWriteTransport>) = if self.is_framed() {
            (Box::new(TFramedReadTransport::new(reads)), Box::new(TFramedWriteTransport::new(writes)))
        } else {
            (Box::new(TBufferedReadTransport::new(reads)), Box::new(TBufferedWriteTransport::new(writes)))
        };
        let (input, output): Protocols = if self.is_compact() {
            (Box::new(TCompactInputProtocol::new(reads)), Box::new(TCompactOutputProtocol::new(writes)))
        } else {
            (Box::new(TBinaryInputProtocol::new(reads, true)), Box::new(TBinaryOutputProtocol::new(writes, true)))
        };
        Ok(match multiplexed {
            Some(name) => (input, Box::new(TMultiplexedOutputProtocol::new(name, output))),
            None => (input, output),
        })
    }

    fn trust(&self) -> Outcome<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&fs::read(self.get("ca")?)?) {
            roots.add(certificate?)?;
        }
        Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
    }

    /// Who the server is.
    pub fn identity(&self) -> Outcome<Arc<ServerConfig>> {
        let chain = fs::read(self.get("cert")?)?;
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(&fs::read(self.get("key")?)?)?;
        Ok(Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?))
    }
}
