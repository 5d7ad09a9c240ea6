//! TLS: who is trusted, and that nothing falls back to plaintext.
#![cfg(feature = "tls")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod calculator;

use std::time::Duration;

use calculator::{CalculatorClient, CalculatorServer, Handler};
use fastthrift::{CallErrorKind, Channel, ClientTls, Server, ServerTls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// Who vouches for certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for this name, and its key.
    fn vouch(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

async fn serve(url: &str, tls: ServerTls) -> (String, JoinHandle<()>) {
    let server = Server::builder(CalculatorServer::new(Handler::default())).tls(tls).bind(url).await.unwrap();
    (server.url(), tokio::spawn(server.serve()))
}

async fn connect(url: &str, tls: ClientTls) -> Result<CalculatorClient, fastthrift::CallError> {
    timeout(PATIENCE, Channel::builder(url).tls(tls).connect()).await.unwrap().map(CalculatorClient::new)
}

#[tokio::test]
async fn calls_are_secured_and_the_servers_name_is_verified() {
    let authority = Authority::new();
    let (chain, key) = authority.vouch("localhost");
    for url in ["tls://127.0.0.1:0", "https://127.0.0.1:0/calculator"] {
        let tls = ServerTls::new(chain.as_bytes(), key.as_bytes()).unwrap();
        let (url, server) = serve(url, tls).await;
        let trusting = || ClientTls::new().authorities(authority.pem());
        let client = connect(&url.replace("127.0.0.1", "localhost"), trusting()).await.unwrap();
        assert_eq!(client.add(2, 3).await.unwrap(), 5);
        assert_eq!(client.greet("large").await.unwrap().len(), 1 << 20);
        for len in [300_000, 5, 70_001] {
            let name = "abcdefg".repeat(len / 7);
            assert!(client.greet(&name).await.unwrap() == format!("Hello, {name}!"));
        }
        // The certificate is for a name, and that is an address.
        let error = connect(&url, trusting()).await.unwrap_err();
        assert!(matches!(error.kind(), CallErrorKind::Connect(_)), "{error}");
        let named = connect(&url, trusting().server_name("localhost")).await.unwrap();
        assert_eq!(named.add(2, 3).await.unwrap(), 5);
        // Nobody vouches for it but its own authority.
        assert!(connect(&url, ClientTls::new().authorities(Authority::new().pem())).await.is_err());
        assert!(connect(&url, ClientTls::new().server_name("localhost")).await.is_err());
        let careless = connect(&url, ClientTls::new().insecure()).await.unwrap();
        assert_eq!(careless.add(2, 3).await.unwrap(), 5);
        server.abort();
    }
}

#[tokio::test]
async fn a_server_that_asks_for_certificates_lets_nobody_in_without() {
    let authority = Authority::new();
    let (chain, key) = authority.vouch("localhost");
    let pem = authority.pem();
    let tls = ServerTls::with_client_authorities(chain.as_bytes(), key.as_bytes(), pem.as_bytes()).unwrap();
    let (url, server) = serve("tls://127.0.0.1:0", tls).await;
    let trusting = || ClientTls::new().authorities(authority.pem()).server_name("localhost");
    let (own_chain, own_key) = authority.vouch("client");
    let client = connect(&url, trusting().identity(own_chain, own_key)).await.unwrap();
    assert_eq!(client.add(2, 3).await.unwrap(), 5);
    // By TLS 1.3 the client is told after its own part of the handshake, so the first call finds it out.
    let stranger = connect(&url, trusting()).await;
    assert!(match stranger {
        Ok(client) => timeout(PATIENCE, client.ping()).await.unwrap().is_err(),
        Err(_) => true,
    });
    server.abort();
}

#[tokio::test]
async fn another_certificate_is_shown_after_it_was_loaded() {
    let (first, second) = (Authority::new(), Authority::new());
    let (chain, key) = first.vouch("localhost");
    let tls = ServerTls::new(chain.as_bytes(), key.as_bytes()).unwrap();
    let (url, server) = serve("tls://127.0.0.1:0", tls.clone()).await;
    let trusting = |authority: &Authority| ClientTls::new().authorities(authority.pem()).server_name("localhost");
    connect(&url, trusting(&first)).await.unwrap();
    let (chain, key) = second.vouch("localhost");
    assert!(tls.reload(chain.as_bytes(), b"no key").is_err());
    connect(&url, trusting(&first)).await.unwrap();
    tls.reload(chain.as_bytes(), key.as_bytes()).unwrap();
    connect(&url, trusting(&second)).await.unwrap();
    assert!(connect(&url, trusting(&first)).await.is_err());
    server.abort();
}

#[tokio::test]
async fn nothing_falls_back_to_plaintext() {
    let authority = Authority::new();
    let (chain, key) = authority.vouch("localhost");
    let tls = ServerTls::new(chain.as_bytes(), key.as_bytes()).unwrap();
    let (url, server) = serve("tls://127.0.0.1:0", tls).await;
    let plain = Channel::connect(&url.replace("tls://", "tcp://")).await.unwrap();
    assert!(timeout(PATIENCE, CalculatorClient::new(plain).ping()).await.unwrap().is_err());
    assert!(Channel::builder("tcp://localhost:1").tls(ClientTls::new()).lazy().is_err());
    let service = CalculatorServer::new(Handler::default());
    let plain = Server::builder(service).bind("tcp://127.0.0.1:0").await.unwrap();
    let secure = plain.url().replace("tcp://", "tls://");
    let serving = tokio::spawn(plain.serve());
    assert!(connect(&secure, ClientTls::new().insecure()).await.is_err());
    serving.abort();
    server.abort();
}

/// Runs what blocks beside the runtime that serves it.
#[cfg(feature = "blocking-tls")]
async fn blocking(work: impl FnOnce() + Send + 'static) {
    timeout(2 * PATIENCE, tokio::task::spawn_blocking(work)).await.unwrap().unwrap();
}

#[cfg(feature = "blocking-tls")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_block_are_secured_alike() {
    use calculator::BlockingCalculatorClient;
    use fastthrift::blocking::Channel;

    let authority = Authority::new();
    let (chain, key) = authority.vouch("localhost");
    for url in ["tls://127.0.0.1:0", "https://127.0.0.1:0/calculator"] {
        let tls = ServerTls::with_client_authorities(chain.as_bytes(), key.as_bytes(), authority.pem().as_bytes());
        let (url, server) = serve(url, tls.unwrap()).await;
        let trusting = ClientTls::new().authorities(authority.pem());
        let (own_chain, own_key) = authority.vouch("client");
        blocking(move || {
            let connect = |tls: ClientTls| Channel::builder(&url).tls(tls).timeout(PATIENCE).connect();
            let known = trusting.clone().identity(own_chain, own_key);
            let client = BlockingCalculatorClient::new(connect(known.clone().server_name("localhost")).unwrap());
            for _ in 0..3 {
                assert_eq!(client.add(2, 3).unwrap(), 5);
                assert_eq!(client.greet("large").unwrap().len(), 1 << 20);
                // After a rest it is looked whether the connection is still good: what TLS sent by itself is no harm.
                std::thread::sleep(Duration::from_millis(10));
            }
            // The certificate is for a name, and that is an address.
            let error = connect(known).unwrap_err();
            assert!(matches!(error.kind(), CallErrorKind::Connect(_)), "{error}");
            assert!(connect(ClientTls::new().server_name("localhost")).is_err());
            let stranger = connect(trusting.server_name("localhost"));
            // By TLS 1.3 the client is told after its own part of the handshake, so the first call finds it out.
            assert!(match stranger {
                Ok(channel) => BlockingCalculatorClient::new(channel).add(2, 3).is_err(),
                Err(_) => true,
            });
            let plain = Channel::builder(&url.replace("tls://", "tcp://").replace("https://", "http://"));
            let plain = BlockingCalculatorClient::new(plain.timeout(PATIENCE).lazy().unwrap());
            assert!(plain.add(2, 3).is_err());
            assert!(Channel::builder("tcp://localhost:1").tls(ClientTls::new()).lazy().is_err());
        })
        .await;
        server.abort();
    }
}

#[cfg(feature = "blocking-tls")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_shakes_hands_does_not_hold_up_a_client_that_blocks() {
    use calculator::BlockingCalculatorClient;
    use fastthrift::blocking::Channel;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tls://{}", listener.local_addr().unwrap());
    blocking(move || {
        let channel = Channel::builder(&url).tls(ClientTls::new().insecure()).timeout(Duration::from_millis(50));
        let client = BlockingCalculatorClient::new(channel.lazy().unwrap());
        assert!(client.add(2, 3).is_err());
        let channel =
            Channel::builder(&url).tls(ClientTls::new().insecure()).connect_timeout(Duration::from_millis(50));
        let error = channel.connect().unwrap_err();
        assert!(error.to_string().ends_with("timed out"), "{error}");
        drop(listener);
    })
    .await;
}
