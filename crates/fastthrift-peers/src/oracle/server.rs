//! The server of the fault test: it answers each token by its own, in every way that a reply can be.

use std::time::Duration;

use fastthrift::CallError;
use tokio::time::sleep;

use super::tokens;
use crate::Outcome;
use crate::idl::oracle::{AskError, Damaged, FailError, Oracle, OracleServer, RefuseError, Refused, SlowError, Token};

/// How long `slow` takes.
const SLOW: Duration = Duration::from_millis(20);

/// Serves `Oracle`.
struct Handler;

impl Oracle for Handler {
    async fn ask(&self, token: Token) -> Result<Token, AskError> {
        Ok(answer(&token, "ask")?)
    }

    async fn slow(&self, token: Token) -> Result<Token, SlowError> {
        sleep(SLOW).await;
        Ok(answer(&token, "slow")?)
    }

    async fn refuse(&self, token: Token) -> Result<Token, RefuseError> {
        let token = answer(&token, "refuse")?;
        Err(Refused { token }.into())
    }

    async fn fail(&self, token: Token) -> Result<Token, FailError> {
        let said = answer(&token, "fail")?;
        Err(CallError::internal(said.text).into())
    }

    async fn note(&self, _token: Token) -> Result<(), CallError> {
        Ok(())
    }
}

fn answer(token: &Token, function: &str) -> Result<Token, Damaged> {
    if tokens::is_whole(token) {
        Ok(tokens::answer(token, function))
    } else {
        Err(Damaged { what: function.to_owned() })
    }
}

/// Serves until there is no more to read.
pub(crate) fn run(options: &str) -> Outcome {
    crate::serving::serve(OracleServer::new(Handler), options)
}
