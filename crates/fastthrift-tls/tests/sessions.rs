//! Two sessions that talk in memory, and what cannot be used.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::io::ErrorKind;
use std::path::Path;

use fastthrift_tls::{
    ClientSecurity, ClientSettings, ConfigError, Identity, Pem, ServerSecurity, ServerSettings, TlsError, TlsSession,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Who vouches for certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        Self::named("authority")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> Pem {
        Pem::new("authority.pem", self.0.pem())
    }

    /// A certificate for this name, and its key.
    fn vouch(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let chain = Pem::new("chain.pem", params.signed_by(&key, &self.0).unwrap().pem());
        Identity { chain, key: Pem::new("key.pem", key.serialize_pem()) }
    }

    fn trusted(&self) -> ClientSettings {
        ClientSettings { authorities: Some(self.pem()), ..ClientSettings::default() }
    }
}

fn serving(identity: Identity, client_authorities: Option<Pem>) -> ServerSecurity {
    ServerSecurity::new(&ServerSettings { identity, client_authorities }).unwrap()
}

fn session(settings: &ClientSettings, host: &str) -> TlsSession {
    ClientSecurity::new(settings).unwrap().securing(Some(host), false).unwrap().session().unwrap()
}

/// Lets one side have all that the other has for it.
fn carry(from: &mut TlsSession, to: &mut TlsSession) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_to(&mut bytes)?;
    }
    let mut bytes = &*bytes;
    while !bytes.is_empty() {
        to.read_from(&mut bytes)?;
    }
    Ok(())
}

/// Shakes hands; what ended that on the client's side, and on the server's.
fn shake(client: &mut TlsSession, server: &mut TlsSession) -> (Option<String>, Option<String>) {
    let (mut told, mut heard) = (None, None);
    while (client.wants_write() && heard.is_none()) || (server.wants_write() && told.is_none()) {
        heard = heard.or(carry(client, server).err().map(|error| error.to_string()));
        told = told.or(carry(server, client).err().map(|error| error.to_string()));
        if told.is_some() {
            heard = heard.or(carry(client, server).err().map(|error| error.to_string()));
        }
    }
    (told, heard)
}

fn said(side: &mut TlsSession) -> Vec<u8> {
    let mut bytes = vec![0; 100];
    let count = side.read(&mut bytes).unwrap();
    bytes.truncate(count);
    bytes
}

#[test]
fn what_one_side_writes_the_other_reads_and_the_end_is_announced() {
    let authority = Authority::new();
    let (mut client, mut server) = (
        session(&authority.trusted(), "localhost"),
        serving(authority.vouch("localhost"), None).session(false).unwrap(),
    );
    assert_eq!(shake(&mut client, &mut server), (None, None));
    assert!(!client.is_handshaking());
    assert_eq!(client.write(b"question").unwrap(), 8);
    carry(&mut client, &mut server).unwrap();
    assert_eq!(said(&mut server), b"question");
    server.write(b"answer").unwrap();
    server.close();
    carry(&mut server, &mut client).unwrap();
    assert_eq!(said(&mut client), b"answer");
    assert_eq!(client.read(&mut [0; 9]).unwrap(), 0);
}

#[test]
fn an_end_that_is_not_announced_is_an_error() {
    let authority = Authority::new();
    let mut client = session(&authority.trusted(), "localhost");
    let mut server = serving(authority.vouch("localhost"), None).session(false).unwrap();
    shake(&mut client, &mut server);
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    client.read_from(&mut std::io::empty()).unwrap();
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("without the peer's saying so"), "{error}");
}

#[test]
fn a_certificate_has_to_be_for_the_host_and_from_somebody_who_is_trusted() {
    let authority = Authority::new();
    let security = serving(authority.vouch("localhost"), None);
    let elsewhere = ClientSettings { server_name: Some("localhost".to_owned()), ..authority.trusted() };
    let anybody = ClientSettings { is_insecure: true, ..ClientSettings::default() };
    for (settings, host, told) in [
        (authority.trusted(), "localhost", None),
        (elsewhere, "127.0.0.1", None),
        (anybody, "127.0.0.1", None),
        (authority.trusted(), "127.0.0.1", Some("not valid for name")),
        (Authority::named("stranger").trusted(), "localhost", Some("UnknownIssuer")),
    ] {
        let (mut client, mut server) = (session(&settings, host), security.session(false).unwrap());
        let (error, heard) = shake(&mut client, &mut server);
        match told {
            None => assert_eq!((error, heard), (None, None)),
            Some(told) => {
                assert!(error.unwrap().contains(told));
                assert!(heard.unwrap().contains("the peer"));
            }
        }
    }
}

#[test]
fn a_server_that_asks_for_certificates_lets_nobody_in_without() {
    let authority = Authority::new();
    let security = serving(authority.vouch("localhost"), Some(authority.pem()));
    let known = ClientSettings { identity: Some(authority.vouch("client")), ..authority.trusted() };
    let stranger =
        ClientSettings { identity: Some(Authority::named("stranger").vouch("client")), ..authority.trusted() };
    for (settings, told) in [
        (known, None),
        (authority.trusted(), Some("the peer requires a client certificate")),
        (stranger, Some("the peer does not trust the issuer of the certificate")),
    ] {
        let (mut client, mut server) = (session(&settings, "localhost"), security.session(false).unwrap());
        assert_eq!(shake(&mut client, &mut server).0.as_deref(), told);
    }
}

#[test]
fn a_renewed_certificate_is_for_connections_that_come_and_a_bad_one_for_none() {
    let (first, second) = (Authority::new(), Authority::new());
    let security = serving(first.vouch("localhost"), None);
    let shakes = |authority: &Authority| {
        let (mut client, mut server) = (session(&authority.trusted(), "localhost"), security.session(false).unwrap());
        shake(&mut client, &mut server).0.is_none()
    };
    let mixed = Identity { key: second.vouch("localhost").key, ..first.vouch("localhost") };
    assert!(security.renew(&ServerSettings { identity: mixed, client_authorities: None }).is_err());
    assert!(shakes(&first) && !shakes(&second));
    security.renew(&ServerSettings { identity: second.vouch("localhost"), client_authorities: None }).unwrap();
    assert!(shakes(&second) && !shakes(&first));
}

#[test]
fn a_peer_without_tls_is_told_from_one_that_closed() {
    let settings = ClientSettings { is_insecure: true, ..ClientSettings::default() };
    let error = session(&settings, "localhost").read_from(&mut b"HTTP/1.1 400 Bad Request\r\n".as_slice()).unwrap_err();
    assert!(error.to_string().contains("does not speak TLS: without it, use tcp:// or http://"), "{error}");
    let mut client = session(&settings, "localhost");
    let error = client.read_from(&mut std::io::empty()).unwrap_err();
    assert!(error.to_string().contains("closed the connection during the TLS handshake"), "{error}");
    assert_eq!(client.read_from(&mut std::io::repeat(22)).unwrap_err().kind(), ErrorKind::InvalidData);
    let mut server = serving(Authority::new().vouch("localhost"), None).session(true).unwrap();
    let error = server.read_from(&mut b"\0\0\0\x10 framed".as_slice()).unwrap_err();
    assert_eq!(error.to_string(), "the peer does not speak TLS");
}

#[test]
fn errors_of_other_drivers_are_explained() {
    let cause = || std::io::Error::new(ErrorKind::InvalidData, missing_certificate());
    assert_eq!(TlsError::explain(cause()).to_string(), "the peer requires a client certificate");
    let eof = || std::io::Error::from(ErrorKind::UnexpectedEof);
    assert!(TlsError::explain(eof()).to_string().contains("without the peer's saying so"));
    assert!(TlsError::explain_handshake(eof()).to_string().contains("during the TLS handshake"));
    let reset = || std::io::Error::from(ErrorKind::ConnectionReset);
    assert_eq!(TlsError::explain(reset()).kind(), ErrorKind::ConnectionReset);
    assert_eq!(TlsError::explain_handshake(reset()).kind(), ErrorKind::ConnectionReset);
}

/// What rustls says of a server that asked for a certificate.
fn missing_certificate() -> rustls::Error {
    rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired)
}

#[test]
fn what_cannot_be_used_is_told_by_its_name() {
    let authority = Authority::new();
    let good = authority.vouch("localhost");
    let server = |identity| {
        let settings = ServerSettings { identity, client_authorities: None };
        ServerSecurity::new(&settings).unwrap_err().to_string()
    };
    let empty = || Pem::new("empty.pem", "");
    let broken = Pem::new("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_eq!(server(Identity { chain: empty(), ..good.clone() }), "empty.pem holds no certificate in PEM");
    assert!(server(Identity { key: empty(), ..good.clone() }).starts_with("empty.pem holds no usable key ("));
    assert!(server(Identity { chain: broken.clone(), ..good.clone() }).contains("broken.pem"));
    let mixed = server(Identity { key: authority.vouch("other").key, ..good });
    assert!(mixed.starts_with("cannot use the certificate of chain.pem with the key of key.pem: "), "{mixed}");
    let client = |settings: ClientSettings| ClientSecurity::new(&settings).unwrap_err().to_string();
    let unusable = client(ClientSettings { authorities: Some(broken), ..ClientSettings::default() });
    assert!(unusable.starts_with("broken.pem holds a certificate that cannot be used: "), "{unusable}");
    let name = Some("two words".to_owned());
    let unusable = client(ClientSettings { server_name: name, ..authority.trusted() });
    assert_eq!(unusable, "server_name must be a name that a certificate can be for, got \"two words\"");
    assert!(client(ClientSettings { is_insecure: true, ..authority.trusted() }).contains("without effect"));
}

#[test]
fn a_file_that_is_not_there_is_an_error_of_its_kind() {
    let error = Pem::read(Path::new("/nowhere/at.pem")).unwrap_err();
    assert!(matches!(&error, ConfigError::Read { path, .. } if path.ends_with("at.pem")));
    assert_eq!(std::io::Error::from(error).kind(), ErrorKind::NotFound);
}

#[test]
fn a_key_does_not_print() {
    let identity = Authority::new().vouch("localhost");
    let printed = format!("{identity:?}");
    assert!(printed.contains("key.pem") && !printed.contains("PRIVATE"), "{printed}");
}
