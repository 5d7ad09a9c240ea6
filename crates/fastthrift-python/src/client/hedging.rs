//! Calls that are made twice when no reply comes for a while: the first reply counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastthrift_rpc::CallId;
use fastthrift_rpc::policy::{RetryBudget, Verdict};

use super::Shared;
use super::calling::{Attempt, Outgoing, Trouble, interruptible};
use super::failure::LinkError;
use super::link::{Limit, Link, Runner, race};
use super::pool::Turn;
use super::retrying::{Retrying, SharedBudget};

/// The least time that the second connection has to be made.
const LEAST: Duration = Duration::from_millis(10);

/// When the calls of a client are made a second time.
pub(crate) struct Hedging {
    /// After how long without a reply.
    pub(crate) delay: Duration,
    /// What second calls take from, as calls that are made again do.
    pub(crate) budget: Arc<SharedBudget>,
    /// Whether nobody else notes new calls in the budget.
    pub(crate) is_own: bool,
}

impl Hedging {
    pub(super) fn new(delay: Duration, retry: Option<&Retrying>) -> Self {
        let own = || Arc::new(SharedBudget::new(RetryBudget::default()));
        Self { delay, budget: retry.map_or_else(own, |retry| retry.budget.clone()), is_own: retry.is_none() }
    }
}

impl Shared {
    /// Makes a call, and once more over another connection when no reply came in time.
    pub(super) fn attempt_hedged(&self, hedging: &Hedging, outgoing: &Outgoing<'_, '_>) -> Attempt {
        if hedging.is_own {
            hedging.budget.deposit();
        }
        let mut first = self.ready_link(outgoing)?;
        let (call, arguments) = self.write_kept(outgoing, &mut first)?;
        let (py, limit) = (outgoing.registry.py(), outgoing.limit);
        let received = interruptible(py, |is_interrupted| {
            first.send(limit, is_interrupted)?;
            let end = earlier(Instant::now().checked_add(hedging.delay), limit.deadline);
            first.receive_until(call, end, limit, is_interrupted)
        })?;
        if let Some(body) = received? {
            return self.answer(outgoing, first, body);
        }
        match self.second(hedging, outgoing, &arguments)? {
            Some((second, again)) => self.race(outgoing, [first, second], [call, again]),
            None => self.converse(outgoing, first, call),
        }
    }

    /// Makes the call over another connection, if one is to be had and the budget allows it. Only what a signal's handler
    /// raised is an error.
    fn second(
        &self,
        hedging: &Hedging,
        outgoing: &Outgoing<'_, '_>,
        arguments: &[u8],
    ) -> Result<Option<(Turn<'_>, CallId)>, Trouble> {
        if !outgoing.has_time_for(Duration::ZERO) {
            return Ok(None);
        }
        let Some(mut link) = self.pool.try_take() else { return Ok(None) };
        if !hedging.budget.withdraw() {
            return Ok(None);
        }
        // The first connection is not watched meanwhile, so this has no more time than was waited for it.
        let now = Instant::now();
        let deadline = earlier(now.checked_add(hedging.delay.max(LEAST)), outgoing.limit.deadline);
        let limit = Limit { timeout: outgoing.limit.timeout, deadline };
        let verdict = match link.verdict(self.pool.policy(), now) {
            Verdict::Check => Verdict::Glance,
            verdict => verdict,
        };
        if verdict != Verdict::Use {
            match self.make_ready(&Outgoing { limit, observer: None, ..*outgoing }, &mut link, verdict) {
                Err(Trouble::Failed(_)) => return Ok(None),
                ready => ready?,
            }
        }
        let Ok(call) = write_again(outgoing, &mut link, arguments) else { return Ok(None) };
        let sent = interruptible(outgoing.registry.py(), |is_interrupted| link.send(limit, is_interrupted))?;
        Ok(sent.is_ok().then_some((link, call)))
    }

    /// Waits for the first reply.
    fn race(&self, outgoing: &Outgoing<'_, '_>, mut links: [Turn<'_>; 2], calls: [CallId; 2]) -> Attempt {
        let limit = outgoing.limit;
        let [first, second] = &mut links;
        let runners = [Runner { link: first, call: calls[0] }, Runner { link: second, call: calls[1] }];
        let finish = interruptible(outgoing.registry.py(), |is_interrupted| race(runners, limit, is_interrupted))??;
        let [first, second] = links;
        let winner = if finish.winner == 0 { first } else { second };
        self.answer(outgoing, winner, finish.body)
    }
}

/// The earlier one of two ends; `None` is never.
fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// Puts a call into another connection's buffer as it was encoded before.
fn write_again(outgoing: &Outgoing<'_, '_>, link: &mut Link, arguments: &[u8]) -> Result<CallId, LinkError> {
    let Outgoing { info, limit, headers, .. } = *outgoing;
    let mut writer = link.begin_call(&info.name, outgoing.kind(), limit.deadline, headers)?;
    writer.buffer().extend_from_slice(arguments);
    writer.finish().map_err(LinkError::Call)
}
