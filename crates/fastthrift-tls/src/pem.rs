//! Certificates and keys in PEM (RFC 7468).

use std::fmt;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::ConfigError;

/// PEM text, and what it is called in errors. What it holds is looked at where it is used; it may be a secret, so it does not print.
#[derive(Clone)]
pub struct Pem {
    name: String,
    text: Vec<u8>,
}

/// A certificate with those that lead to its issuer, and its key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate first, then those that lead to its issuer.
    pub chain: Pem,
    /// The certificate's key, not encrypted.
    pub key: Pem,
}

impl Pem {
    /// This text, under a name that errors call it by.
    pub fn new(name: impl Into<String>, text: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The text of a file, whose path is its name.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read(path).map_err(|cause| ConfigError::Read { path: path.to_owned(), cause })?;
        Ok(Self::new(path.display().to_string(), text))
    }

    /// All certificates, at least one.
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.text).collect();
        match found {
            Ok(found) if found.is_empty() => {
                Err(ConfigError::Unusable(format!("{} holds no certificate in PEM", self.name)))
            }
            Ok(found) => Ok(found),
            Err(error) => Err(ConfigError::Unusable(format!("{} cannot be read as PEM: {error}", self.name))),
        }
    }

    /// Its certificates, as those of authorities that are trusted.
    pub(crate) fn roots(&self) -> Result<RootCertStore, ConfigError> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|error| {
                ConfigError::Unusable(format!("{} holds a certificate that cannot be used: {error}", self.name))
            })?;
        }
        Ok(roots)
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, ConfigError> {
        PrivateKeyDer::from_pem_slice(&self.text).map_err(|error| {
            let hint = "expected a private key in PEM that is not encrypted";
            ConfigError::Unusable(format!("{} holds no usable key ({error}): {hint}", self.name))
        })
    }
}

impl Identity {
    /// The chain and the key, for rustls.
    pub(crate) fn parse(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), ConfigError> {
        Ok((self.chain.certificates()?, self.key.private_key()?))
    }

    /// Why both, which are good by themselves, cannot be used together.
    #[expect(clippy::needless_pass_by_value, reason = "it is an adapter for map_err")]
    pub(crate) fn unusable(&self, error: rustls::Error) -> ConfigError {
        let (chain, key) = (&self.chain.name, &self.key.name);
        ConfigError::Unusable(format!("cannot use the certificate of {chain} with the key of {key}: {error}"))
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pem").field("name", &self.name).finish_non_exhaustive()
    }
}
