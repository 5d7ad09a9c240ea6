//! What rustls needs, whoever drives it: whom a client trusts, and who it is.

use std::io;
use std::sync::Arc;

use fastthrift_rpc::Endpoint;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, crypto};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::Invalid;

/// What HTTP/1.1 is called in a handshake (RFC 7301).
pub(crate) const HTTP: &[u8] = b"http/1.1";

/// A client's side of TLS. By default the system's certificates are trusted, and the server's has to be for the URL's host.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ClientTls {
    authorities: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
    server_name: Option<String>,
    is_insecure: bool,
}

impl ClientTls {
    /// Trusts the system's certificates.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the certificates in this PEM text instead of the system's.
    pub fn authorities(self, pem: impl Into<Vec<u8>>) -> Self {
        Self { authorities: Some(pem.into()), ..self }
    }

    /// Shows this certificate to a server that asks for one: a chain and its key, each PEM text.
    pub fn identity(self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self { identity: Some((chain.into(), key.into())), ..self }
    }

    /// The name that the server's certificate has to be for, instead of the URL's host.
    pub fn server_name(self, name: &str) -> Self {
        Self { server_name: Some(name.to_owned()), ..self }
    }

    /// Takes any certificate: whoever sits in between can read and change everything. For tests.
    pub fn insecure(self) -> Self {
        Self { is_insecure: true, ..self }
    }

    /// What secures connections to this endpoint, and the name that the server's certificate has to be for.
    pub(crate) fn config(&self, endpoint: &Endpoint) -> io::Result<(Arc<ClientConfig>, ServerName<'static>)> {
        let provider = Arc::new(crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        let builder = match &self.authorities {
            _ if self.is_insecure => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustsAnybody(provider)))
            }
            Some(pem) => builder.with_root_certificates(roots(pem)?),
            None => builder.with_platform_verifier().map_err(unusable)?,
        };
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                builder.with_client_auth_cert(certificates(chain)?, private_key(key)?).map_err(unusable)?
            }
        };
        if endpoint.http_path.is_some() {
            config.alpn_protocols = vec![HTTP.to_owned()];
        }
        let name = self.server_name.as_deref().or(endpoint.host()).unwrap_or_default();
        let bad = |_| invalid(format!("{name:?} is no name that a certificate can be for"));
        let name = ServerName::try_from(name.to_owned()).map_err(bad)?;
        Ok((Arc::new(config), name))
    }
}

pub(crate) fn roots(pem: &[u8]) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).map_err(unusable)?;
    }
    Ok(roots)
}

pub(crate) fn certificates(pem: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(invalid("expected a certificate in PEM, got none".to_owned())),
        Ok(found) => Ok(found),
        Err(error) => Err(invalid(format!("the certificates cannot be read as PEM: {error}"))),
    }
}

pub(crate) fn private_key(pem: &[u8]) -> io::Result<PrivateKeyDer<'static>> {
    let hint = "expected a private key in PEM that is not encrypted";
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| invalid(format!("{hint}: {error}")))
}

#[expect(clippy::needless_pass_by_value, reason = "it is an adapter for map_err")]
pub(crate) fn unusable(error: Error) -> io::Error {
    invalid(format!("TLS cannot be used so: {error}"))
}

pub(crate) fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, Invalid(text))
}

/// Takes any certificate. The peer still proves that it has the certificate's key.
#[derive(Debug)]
struct TrustsAnybody(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustsAnybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
