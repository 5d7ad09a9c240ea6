//! What generated clients and servers on tokio call.

use fastthrift_protocol::{DecodeError, DecodeErrorKind, OutputProtocol, TType};

use super::{Arguments, Fields, Message, Outcome, Parts, Places, Signature, Values, returned, write_field};
use crate::{CallError, Channel, DecodeOwned, Encode, EncodeError, Request, Response};

/// Calls a function and gives all fields of its result.
pub async fn call<S: Signature, A: Parts, R: for<'de> Places<'de>>(
    channel: &Channel,
    arguments: A,
) -> Result<R, CallError> {
    let arguments = Values::<Arguments<S>, A>::new(arguments);
    let result: Values<Outcome<S>, R> = channel.call(&S::FUNCTION, &arguments).await?;
    Ok(result.0)
}

/// Calls a function that declares no exception.
pub async fn call_value<S: Signature, A: Parts, R: DecodeOwned>(
    channel: &Channel,
    arguments: A,
) -> Result<R, CallError> {
    let (value,) = call::<S, A, (Option<R>,)>(channel, arguments).await?;
    returned::<S, R>(value)
}

/// Calls a function that returns nothing and declares no exception.
pub async fn call_void<S: Signature, A: Parts>(channel: &Channel, arguments: A) -> Result<(), CallError> {
    call::<S, A, ()>(channel, arguments).await
}

/// Calls a function that is not answered.
pub async fn oneway<S: Signature, A: Parts>(channel: &Channel, arguments: A) -> Result<(), CallError> {
    channel.oneway(&S::FUNCTION, &Values::<Arguments<S>, A>::new(arguments)).await
}

/// A result of which one field is set.
struct One<'a, T: ?Sized> {
    field: (i16, &'static str),
    value: &'a T,
}

impl<T: Encode + ?Sized> Encode for One<'_, T> {
    const TTYPE: TType = TType::Struct;

    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        write_field(self.value, self.field.0, self.field.1, out)?;
        out.end_struct(scope);
        Ok(())
    }
}

/// The arguments of a call that is served.
pub fn arguments<S: Signature, T: for<'de> Places<'de>>(request: &Request) -> Result<T, CallError> {
    request.arguments::<Values<Arguments<S>, T>>().map(|values| values.0)
}

/// An argument that must be there.
pub fn argument<T>(value: Option<T>, name: &str) -> Result<T, CallError> {
    value.ok_or_else(|| DecodeError::new(DecodeErrorKind::MissingField(name.into()), 0).into())
}

/// Answers with one field of the result: that at this place.
pub fn reply<S: Signature, T: Encode>(request: Request, place: usize, value: &T) -> Response {
    request.reply(&One { field: S::RESULT[place], value })
}

/// Answers with a result that has no field.
pub fn reply_void(request: Request) -> Response {
    request.reply(&Values::<Void, ()>::new(()))
}

/// The result of a function that returns nothing.
struct Void;

impl Message for Void {
    const FIELDS: Fields = &[];
}
