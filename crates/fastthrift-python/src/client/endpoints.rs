//! The addresses that a client may connect to.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::endpoint::Endpoint;

/// One address, or several that serve the same. Each new connection starts with the next one, and tries the others when no
/// connection can be made.
pub(crate) struct Endpoints {
    /// One or more.
    listed: Box<[Endpoint]>,
    next: AtomicUsize,
}

impl Endpoints {
    /// Reads URLs; the error is a sentence for the caller.
    pub(crate) fn parse(urls: &[String]) -> Result<Self, String> {
        let listed: Box<[Endpoint]> = urls.iter().map(|url| Endpoint::parse(url)).collect::<Result<_, _>>()?;
        if listed.is_empty() {
            return Err("expected at least one URL, got none".to_owned());
        }
        Ok(Self { listed, next: AtomicUsize::new(0) })
    }

    /// The one of a transport that a user wrote.
    pub(crate) fn custom(name: &str) -> Self {
        Self { listed: Box::new([Endpoint::custom(name)]), next: AtomicUsize::new(0) }
    }

    /// All of them.
    pub(crate) fn listed(&self) -> &[Endpoint] {
        &self.listed
    }

    /// The only one, if there is only one.
    pub(crate) fn only(&self) -> Option<&Endpoint> {
        match &*self.listed {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The one at a place.
    pub(crate) fn at(&self, place: usize) -> &Endpoint {
        &self.listed[place % self.listed.len()]
    }

    /// The places of all, in the order in which a new connection tries them.
    pub(crate) fn order(&self) -> impl ExactSizeIterator<Item = usize> {
        let count = self.listed.len();
        let first = if count > 1 { self.next.fetch_add(1, Ordering::Relaxed) % count } else { 0 };
        (0..count).map(move |tried| (first + tried) % count)
    }

    /// Connects to the first that takes a connection, and says which one that is. Each but the last gets an equal part of the
    /// time that is left, so that one that is silent does not use up the deadline.
    pub(super) fn connect<T>(
        &self,
        connect: impl Fn(&Endpoint, Option<Instant>) -> io::Result<T>,
        deadline: Option<Instant>,
    ) -> io::Result<(T, usize)> {
        let order = self.order();
        let mut rest = u32::try_from(order.len()).unwrap_or(u32::MAX);
        let mut failure = io::Error::from(io::ErrorKind::NotFound);
        for place in order {
            let until = if rest > 1 { deadline.map(|deadline| part_of(deadline, rest)) } else { deadline };
            rest = rest.saturating_sub(1);
            match connect(&self.listed[place], until) {
                Ok(connected) => return Ok((connected, place)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

/// The end of the first of some equal parts of the time that is left.
fn part_of(deadline: Instant, parts: u32) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) / parts
}

impl fmt::Display for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, endpoint) in self.listed.iter().enumerate() {
            write!(f, "{}{endpoint}", if place > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}
