//! Who clients say they are, and who judges it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fastthrift_rpc::{PlainCredentials, SaslServer, ServerConnection};

/// What a client that is refused is told: nothing that helps to guess a password.
const REFUSAL: &str = "the name or the password is wrong";

/// Who a client says it is, by the SASL mechanism PLAIN (RFC 4616).
#[derive(Clone, PartialEq, Eq)]
pub struct PlainLogin {
    /// The client's name.
    pub username: String,
    /// What proves it.
    pub password: String,
    /// Whom it wants to act for; empty when that is itself.
    pub authorization: String,
}

impl fmt::Debug for PlainLogin {
    /// Leaves out the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { username, authorization, .. } = self;
        let mut login = f.debug_struct("PlainLogin");
        login.field("username", username).field("authorization", authorization).finish_non_exhaustive()
    }
}

type Judging = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Says which clients are let in.
#[derive(Clone)]
pub(super) struct Check(Arc<dyn Fn(PlainLogin) -> Judging + Send + Sync>);

impl Check {
    pub(super) fn new<C, V>(check: C) -> Self
    where
        C: Fn(PlainLogin) -> V + Send + Sync + 'static,
        V: Future<Output = bool> + Send + 'static,
    {
        Self(Arc::new(move |login| Box::pin(check(login))))
    }

    /// What a connection is made with whose clients are judged so.
    pub(super) fn sasl() -> SaslServer {
        SaslServer::new(["PLAIN"]).expect("invariant: this is a mechanism")
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").finish_non_exhaustive()
    }
}

/// A client that has to say who it is.
pub(super) struct Desk {
    check: Check,
    judging: Option<(String, Judging)>,
}

impl Desk {
    pub(super) fn new(check: Check) -> Self {
        Self { check, judging: None }
    }

    /// Whether it is this side that the client waits for.
    pub(super) fn is_judging(&self) -> bool {
        self.judging.is_some()
    }

    /// Judges what the client said, if it said anything; pending while that takes its time.
    pub(super) fn poll(&mut self, rpc: &mut ServerConnection, cx: &mut Context<'_>) -> Poll<()> {
        if self.judging.is_none() {
            let Some(credentials) = rpc.credentials() else { return Poll::Ready(()) };
            let Some(plain) = PlainCredentials::read(credentials.response) else {
                rpc.refuse_peer(REFUSAL);
                return Poll::Ready(());
            };
            let PlainCredentials { authorization, username, password } = plain;
            let identity = if authorization.is_empty() { username } else { authorization }.to_owned();
            let [username, password, authorization] = [username, password, authorization].map(str::to_owned);
            self.judging = Some((identity, (self.check.0)(PlainLogin { username, password, authorization })));
        }
        let Some((identity, judging)) = &mut self.judging else { return Poll::Ready(()) };
        let Poll::Ready(is_let_in) = judging.as_mut().poll(cx) else { return Poll::Pending };
        if is_let_in {
            rpc.accept_peer(identity, b"");
        } else {
            rpc.refuse_peer(REFUSAL);
        }
        self.judging = None;
        Poll::Ready(())
    }
}
