//! What generated clients that block call.

use super::{Arguments, Outcome, Parts, Places, Signature, Values, returned};
pub use crate::blocking::Channel;
use crate::{CallError, DecodeOwned};

/// Calls a function and gives all fields of its result.
pub fn call<S: Signature, A: Parts, R: for<'de> Places<'de>>(channel: &Channel, arguments: A) -> Result<R, CallError> {
    let arguments = Values::<Arguments<S>, A>::new(arguments);
    let result: Values<Outcome<S>, R> = channel.call(&S::FUNCTION, &arguments)?;
    Ok(result.0)
}

/// Calls a function that declares no exception.
pub fn call_value<S: Signature, A: Parts, R: DecodeOwned>(channel: &Channel, arguments: A) -> Result<R, CallError> {
    let (value,) = call::<S, A, (Option<R>,)>(channel, arguments)?;
    returned::<S, R>(value)
}

/// Calls a function that returns nothing and declares no exception.
pub fn call_void<S: Signature, A: Parts>(channel: &Channel, arguments: A) -> Result<(), CallError> {
    call::<S, A, ()>(channel, arguments)
}

/// Calls a function that is not answered.
pub fn oneway<S: Signature, A: Parts>(channel: &Channel, arguments: A) -> Result<(), CallError> {
    channel.oneway(&S::FUNCTION, &Values::<Arguments<S>, A>::new(arguments))
}
