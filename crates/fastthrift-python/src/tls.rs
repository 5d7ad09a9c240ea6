//! TLS in Python: its classes, and what they say of what cannot be used.

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use fastthrift_tls::{ClientSecurity, ServerSecurity, TlsSession};
use fastthrift_tls::{ClientSettings, ConfigError, Identity, Pem, Securing, ServerSettings};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

use crate::endpoint::Endpoint;
use crate::given::{Given, flag, object_of, optional, path, refused, text};

/// What a client brings to TLS. The files are read at once; all are PEM.
///
/// Without `ca_file` the system's roots are trusted. The server's certificate has to be for `server_name`, by default the
/// host of the URL. `cert_file` and `key_file` are the client's own certificate, with those that lead to its issuer, and
/// key. `insecure` takes any certificate of any server, which protects from nobody who can reach the connection.
#[pyclass(frozen, module = "fastthrift")]
pub(crate) struct ClientTLS {
    pub(crate) security: ClientSecurity,
    is_insecure: bool,
}

#[pymethods]
impl ClientTLS {
    #[new]
    #[pyo3(
        signature = (*, ca_file=None, cert_file=None, key_file=None, server_name=None, insecure=Given::NOTHING),
        text_signature = "(*, ca_file=None, cert_file=None, key_file=None, server_name=None, insecure=False)"
    )]
    #[expect(clippy::needless_pass_by_value, reason = "Python passes it so")]
    fn new(
        py: Python<'_>,
        ca_file: Option<&Bound<'_, PyAny>>,
        cert_file: Option<&Bound<'_, PyAny>>,
        key_file: Option<&Bound<'_, PyAny>>,
        server_name: Option<&Bound<'_, PyAny>>,
        insecure: Given<'_>,
    ) -> PyResult<Self> {
        let ca_file = optional("ca_file", ca_file, path)?;
        let (cert_file, key_file) = (optional("cert_file", cert_file, path)?, optional("key_file", key_file, path)?);
        let server_name = optional("server_name", server_name, text)?;
        let insecure = insecure.read("insecure", false, flag)?;
        let identity = match (cert_file, key_file) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(PyValueError::new_err("cert_file and key_file go together: give both or none")),
        };
        if insecure && (ca_file.is_some() || server_name.is_some()) {
            let text = "insecure takes any certificate, so ca_file and server_name would be without effect";
            return Err(PyValueError::new_err(text));
        }
        let read = || {
            ClientSecurity::new(&ClientSettings {
                authorities: ca_file.map(|file| Pem::read(&file)).transpose()?,
                identity: identity.map(|(certificate, key)| read_identity(&certificate, &key)).transpose()?,
                server_name,
                is_insecure: insecure,
            })
        };
        let security = py.detach(read).map_err(config_error)?;
        Ok(Self { security, is_insecure: insecure })
    }

    fn __repr__(&self) -> &'static str {
        if self.is_insecure { "<ClientTLS, insecure>" } else { "<ClientTLS>" }
    }
}

/// What a server brings to TLS. The files are read at once, and again by `reload`; all are PEM.
///
/// `cert_file` holds the server's certificate and those that lead to its issuer. With `client_ca_file` every client needs
/// a certificate that comes from one of those.
#[pyclass(frozen, module = "fastthrift")]
pub(crate) struct ServerTLS {
    security: Arc<ServerSecurity>,
    files: ServerFiles,
}

/// Where what a server brings is read.
struct ServerFiles {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

impl ServerFiles {
    fn read(&self) -> Result<ServerSettings, ConfigError> {
        let client_authorities = self.client_ca.as_deref().map(Pem::read).transpose()?;
        Ok(ServerSettings { identity: read_identity(&self.certificate, &self.key)?, client_authorities })
    }
}

#[pymethods]
impl ServerTLS {
    #[new]
    #[pyo3(signature = (cert_file, key_file, *, client_ca_file=None))]
    fn new(
        py: Python<'_>,
        cert_file: &Bound<'_, PyAny>,
        key_file: &Bound<'_, PyAny>,
        client_ca_file: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let files = ServerFiles {
            certificate: path("cert_file", cert_file)?,
            key: path("key_file", key_file)?,
            client_ca: optional("client_ca_file", client_ca_file, path)?,
        };
        let security = py.detach(|| ServerSecurity::new(&files.read()?)).map_err(config_error)?;
        Ok(Self { security: Arc::new(security), files })
    }

    /// Reads the files anew. Connections that are there go on; after an error all is as it was.
    fn reload(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.security.renew(&self.files.read()?)).map_err(config_error)
    }

    fn __repr__(&self) -> String {
        format!("<ServerTLS of {}>", self.files.certificate.display())
    }
}

/// The error of a TLS configuration in Python: an `OSError` of its kind for a file, else a `ValueError`.
#[expect(clippy::needless_pass_by_value, reason = "it is an adapter for map_err")]
pub(crate) fn config_error(error: ConfigError) -> PyErr {
    match &error {
        ConfigError::Read { path, cause } => match cause.raw_os_error() {
            Some(number) => PyOSError::new_err((number, cause.to_string(), path.clone())),
            None => PyOSError::new_err(error.to_string()),
        },
        _ => refused(&error),
    }
}

/// How connections to an endpoint are secured.
pub(crate) fn securing(security: &ClientSecurity, endpoint: &Endpoint) -> Result<Securing, ConfigError> {
    security.securing(endpoint.host(), endpoint.http_path.is_some())
}

/// Reads a certificate and its key.
fn read_identity(certificate: &Path, key: &Path) -> Result<Identity, ConfigError> {
    Ok(Identity { chain: Pem::read(certificate)?, key: Pem::read(key)? })
}

/// The TLS of a client for these URLs, as the `tls` argument of Python says; `None` where there is none.
pub(crate) fn of_client(endpoints: &[Endpoint], tls: Option<&Bound<'_, PyAny>>) -> PyResult<Option<ClientSecurity>> {
    let given = object_of::<ClientTLS>("tls", tls)?;
    let plaintext = endpoints.iter().find(|endpoint| !endpoint.is_secure);
    let security = match (plaintext, given) {
        (Some(endpoint), Some(_)) => return Err(PyValueError::new_err(plaintext_text(endpoint))),
        (None, Some(given)) => given.get().security.clone(),
        _ if endpoints.iter().any(|endpoint| endpoint.is_secure) => {
            ClientSecurity::new(&ClientSettings::default()).map_err(config_error)?
        }
        _ => return Ok(None),
    };
    for endpoint in endpoints.iter().filter(|endpoint| endpoint.is_secure) {
        securing(&security, endpoint).map_err(config_error)?;
    }
    Ok(Some(security))
}

/// The TLS of a server for these URLs, as the `tls` argument of Python says; `None` where there is none.
pub(crate) fn of_server(
    endpoints: &[Endpoint],
    tls: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Arc<ServerSecurity>>> {
    let secure = endpoints.iter().find(|endpoint| endpoint.is_secure);
    match (secure, object_of::<ServerTLS>("tls", tls)?) {
        (None, None) => Ok(None),
        (Some(endpoint), None) => {
            let text = format!("{endpoint} needs a certificate: give tls=fastthrift.ServerTLS(cert_file, key_file)");
            Err(PyValueError::new_err(text))
        }
        (None, Some(_)) => Err(PyValueError::new_err(endpoints.first().map_or_else(String::new, plaintext_text))),
        (Some(_), Some(tls)) => Ok(Some(Arc::clone(&tls.get().security))),
    }
}

/// What to say where TLS was asked for and the URL says plaintext.
fn plaintext_text(endpoint: &Endpoint) -> String {
    let instead = match (endpoint.scheme(), endpoint.host()) {
        (_, None) => "leave tls out",
        ("http", _) => "use https:// for TLS",
        _ => "use tls:// for TLS",
    };
    format!("tls was given, but {endpoint} is plaintext: {instead}")
}

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ClientTLS>()?;
    module.add_class::<ServerTLS>()
}
