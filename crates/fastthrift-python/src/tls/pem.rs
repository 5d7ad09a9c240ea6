//! Certificates and keys from PEM files (RFC 7468).

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why there is no usable TLS configuration.
#[derive(Debug)]
pub(crate) enum ConfigError {
    /// A file cannot be read.
    Read(PathBuf, io::Error),
    /// What was given cannot be used; a sentence for the caller.
    Unusable(String),
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Unusable(text) => f.write_str(text),
        }
    }
}

/// A certificate with those that lead to its issuer, and its key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Identity {
    pub(super) fn read(certificates: &Path, key: &Path) -> Result<Self, ConfigError> {
        let chain = certificates_of(certificates)?;
        let parsed = PrivateKeyDer::from_pem_slice(&bytes_of(key)?);
        let key = parsed.map_err(|error| {
            let hint = "expected a private key in PEM that is not encrypted";
            ConfigError::Unusable(format!("{} holds no usable key ({error}): {hint}", key.display()))
        })?;
        Ok(Self { chain, key })
    }
}

/// The certificates of those that are trusted.
pub(super) fn roots_of(path: &Path) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_of(path)? {
        roots.add(certificate).map_err(|error| {
            ConfigError::Unusable(format!("{} holds a certificate that cannot be used: {error}", path.display()))
        })?;
    }
    Ok(roots)
}

/// All certificates of a file, at least one.
fn certificates_of(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes_of(path)?).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(ConfigError::Unusable(format!("{} holds no certificate in PEM", path.display())))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(ConfigError::Unusable(format!("{} cannot be read as PEM: {error}", path.display()))),
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|error| ConfigError::Read(path.to_owned(), error))
}
