//! What the settings of both kinds of channels, and of servers, have in common.

use std::time::Duration;

use fastthrift_protocol::Limits;
use fastthrift_rpc::{Carrier, ClientConfig, Endpoint, Framing, Headers};

use crate::CallError;
use crate::error::Invalid;

/// Where a client's URL leads, and whether HTTP carries its calls, which the settings say then. `headers` are those of every call.
pub(crate) fn endpoint_of_client(
    url: &str,
    config: &mut ClientConfig,
    headers: &Headers,
) -> Result<(Endpoint, bool), CallError> {
    let invalid = |text| CallError::connect(Invalid(text));
    let endpoint = Endpoint::parse(url).map_err(invalid)?;
    let is_plain = config.carrier == Carrier::Direct && config.framing == Framing::Framed;
    check_sasl(config.sasl.is_some(), &endpoint, is_plain).map_err(invalid)?;
    let is_http = endpoint.configure_client(config, Headers::none()).map_err(CallError::connect)?;
    check_headers(config, headers).map_err(CallError::connect)?;
    Ok((endpoint, is_http))
}

/// Refuses headers that would not travel.
#[inline]
pub(crate) fn check_headers(config: &ClientConfig, headers: &Headers) -> Result<(), Invalid> {
    if headers.is_empty() || config.carries_headers() {
        return Ok(());
    }
    let text = "these connections carry no headers: set Framing::Header or take an HTTP URL for them";
    Err(Invalid(text.to_owned()))
}

/// Refuses numbers of 0 where there has to be 1 at least. Those that are not given are right.
pub(crate) fn check_counts(counts: &[(&str, Option<usize>)]) -> Result<(), String> {
    match counts.iter().find(|(_, count)| *count == Some(0)) {
        Some((name, _)) => Err(format!("{name} must be at least 1, got 0")),
        None => Ok(()),
    }
}

/// Refuses times of 0, in which nothing can be done. Those that are not given are right.
pub(crate) fn check_times(times: &[(&str, Option<Duration>)]) -> Result<(), String> {
    match times.iter().find(|(_, time)| *time == Some(Duration::ZERO)) {
        Some((name, _)) => Err(format!("{name} must be longer than 0")),
        None => Ok(()),
    }
}

/// Refuses limits of 0, within which there is no message.
pub(crate) fn check_limits(limits: &Limits) -> Result<(), String> {
    let Limits { message, string, container, depth, memory } = *limits;
    check_counts(&[
        ("limits.message", Some(message)),
        ("limits.string", Some(string)),
        ("limits.container", Some(container)),
        ("limits.depth", usize::try_from(depth).ok()),
        ("limits.memory", Some(memory)),
    ])
}

/// Refuses SASL where it cannot be: behind it there are frames, and nothing else.
pub(crate) fn check_sasl(is_asked_for: bool, endpoint: &Endpoint, is_framed: bool) -> Result<(), String> {
    match &endpoint.http_path {
        _ if !is_asked_for => Ok(()),
        Some(_) => Err(format!("SASL is not for {endpoint}: HTTP has a header for that, Authorization")),
        None if is_framed => Ok(()),
        None => Err("SASL has frames of its own, so that the framing is Framed, without zlib".to_owned()),
    }
}
