//! What generated functions send and receive: the part of each is small, and made only for those that are used.

use core::marker::PhantomData;

use fastthrift_protocol::{DecodeError, InputProtocol, OutputProtocol, TType};

use super::{Filling, fill_found, fill_next, write_field};
use crate::{CallError, Decode, Encode, EncodeError, Function};

/// Ids and names of fields.
pub type Fields = &'static [(i16, &'static str)];

/// What a function sends and receives, besides the types.
pub trait Signature {
    /// Its name and kind.
    const FUNCTION: Function;
    /// Its arguments.
    const ARGUMENTS: Fields;
    /// Its result, if it has one, and the exceptions that it declares.
    const RESULT: Fields;
}

/// Which fields a message has.
pub trait Message {
    /// Their ids and names.
    const FIELDS: Fields;
}

/// The arguments of a function.
#[derive(Debug)]
pub struct Arguments<S>(PhantomData<S>);

/// The result of a function.
#[derive(Debug)]
pub struct Outcome<S>(PhantomData<S>);

impl<S: Signature> Message for Arguments<S> {
    const FIELDS: Fields = S::ARGUMENTS;
}

impl<S: Signature> Message for Outcome<S> {
    const FIELDS: Fields = S::RESULT;
}

/// The values of a message's fields, as a tuple; of more than twelve, as a tuple of tuples of twelve.
#[derive(Debug)]
pub struct Values<M, T>(pub T, PhantomData<M>);

impl<M, T> Values<M, T> {
    /// A message of these values.
    pub fn new(values: T) -> Self {
        Self(values, PhantomData)
    }
}

/// A tuple of values, or of such tuples.
pub trait Parts {
    /// How many fields it has.
    const LEN: usize;

    /// Writes the fields.
    fn write<P: OutputProtocol>(&self, fields: Fields, out: &mut P) -> Result<(), EncodeError>;
}

/// A tuple of places to read values into, or of such tuples.
pub trait Places<'de>: Default {
    /// How many fields it has.
    const LEN: usize;

    /// Reads what comes in the order of the fields.
    fn read_next<P: InputProtocol<'de>>(
        &mut self,
        fields: Fields,
        filling: &mut Filling<'_, P>,
    ) -> Result<(), DecodeError>;

    /// Reads the value of the field at this place.
    fn read_found<P: InputProtocol<'de>>(
        &mut self,
        place: usize,
        name: &'static str,
        filling: &mut Filling<'_, P>,
    ) -> Result<(), DecodeError>;
}

macro_rules! parts {
    ($len:literal $($name:ident $place:tt)*) => {
        impl<$($name: Encode),*> Parts for ($($name,)*) {
            const LEN: usize = $len;

            #[allow(unused_variables, reason = "there is a tuple of nothing")]
            fn write<P: OutputProtocol>(&self, fields: Fields, out: &mut P) -> Result<(), EncodeError> {
                $(write_field(&self.$place, fields[$place].0, fields[$place].1, out)?;)*
                Ok(())
            }
        }

        impl<'de, $($name: Decode<'de> + Default),*> Places<'de> for ($($name,)*) {
            const LEN: usize = $len;

            #[allow(unused_variables, reason = "there is a tuple of nothing")]
            fn read_next<P: InputProtocol<'de>>(
                &mut self,
                fields: Fields,
                filling: &mut Filling<'_, P>,
            ) -> Result<(), DecodeError> {
                $(fill_next(filling, fields[$place].0, fields[$place].1, &mut self.$place)?;)*
                Ok(())
            }

            #[allow(unused_variables, reason = "there is a tuple of nothing")]
            fn read_found<P: InputProtocol<'de>>(
                &mut self,
                place: usize,
                name: &'static str,
                filling: &mut Filling<'_, P>,
            ) -> Result<(), DecodeError> {
                match place {
                    $($place => fill_found(filling, name, &mut self.$place),)*
                    _ => filling.skip(),
                }
            }
        }
    };
}

parts!(0);
parts!(1 A 0);
parts!(2 A 0 B 1);
parts!(3 A 0 B 1 C 2);
parts!(4 A 0 B 1 C 2 D 3);
parts!(5 A 0 B 1 C 2 D 3 E 4);
parts!(6 A 0 B 1 C 2 D 3 E 4 F 5);
parts!(7 A 0 B 1 C 2 D 3 E 4 F 5 G 6);
parts!(8 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
parts!(9 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
parts!(10 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
parts!(11 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
parts!(12 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);

/// The first fields of a message, and the others.
#[derive(Debug, Default)]
pub struct Then<A, B>(pub A, pub B);

impl<A: Parts, B: Parts> Parts for Then<A, B> {
    const LEN: usize = A::LEN + B::LEN;

    fn write<P: OutputProtocol>(&self, fields: Fields, out: &mut P) -> Result<(), EncodeError> {
        self.0.write(fields, out)?;
        self.1.write(&fields[A::LEN..], out)
    }
}

impl<'de, A: Places<'de>, B: Places<'de>> Places<'de> for Then<A, B> {
    const LEN: usize = A::LEN + B::LEN;

    fn read_next<P: InputProtocol<'de>>(
        &mut self,
        fields: Fields,
        filling: &mut Filling<'_, P>,
    ) -> Result<(), DecodeError> {
        self.0.read_next(fields, filling)?;
        self.1.read_next(&fields[A::LEN..], filling)
    }

    fn read_found<P: InputProtocol<'de>>(
        &mut self,
        place: usize,
        name: &'static str,
        filling: &mut Filling<'_, P>,
    ) -> Result<(), DecodeError> {
        match place.checked_sub(A::LEN) {
            None => self.0.read_found(place, name, filling),
            Some(place) => self.1.read_found(place, name, filling),
        }
    }
}

impl<M: Message, T: Parts> Encode for Values<M, T> {
    const TTYPE: TType = TType::Struct;

    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        self.0.write(M::FIELDS, out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de, M: Message, T: Places<'de>> Decode<'de> for Values<M, T> {
    const TTYPE: TType = TType::Struct;

    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let mut filling = Filling::begin(input)?;
        let mut values = T::default();
        loop {
            values.read_next(M::FIELDS, &mut filling)?;
            let Some(id) = filling.other()? else { break };
            match M::FIELDS.iter().position(|(known, _)| *known == id) {
                Some(place) => values.read_found(place, M::FIELDS[place].1, &mut filling)?,
                None => filling.skip()?,
            }
            filling.resume();
        }
        filling.end(&[])?;
        Ok(Self::new(values))
    }
}

/// The value of a result, which must be there when no exception is.
pub fn returned<S: Signature, R>(value: Option<R>) -> Result<R, CallError> {
    value.ok_or_else(|| CallError::missing_result(S::FUNCTION.name()))
}

/// What makes an enum of a function's exceptions, and of `Call` for any other failure, an error.
#[macro_export]
#[doc(hidden)]
macro_rules! __function_error {
    ($name:ident { $($variant:ident($type:ty)),* } $($other:ident)*) => {
        $(
            impl ::core::convert::From<$type> for $name {
                fn from(error: $type) -> Self {
                    Self::$variant(error)
                }
            }
        )*

        impl ::core::convert::From<$crate::CallError> for $name {
            fn from(error: $crate::CallError) -> Self {
                Self::Call(error)
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self {
                    $(Self::$variant(error) => ::core::fmt::Display::fmt(error, f),)*
                    $(Self::$other(error) => ::core::fmt::Display::fmt(error, f),)*
                    Self::Call(error) => ::core::fmt::Display::fmt(error, f),
                }
            }
        }

        impl ::core::error::Error for $name {
            fn source(&self) -> ::core::option::Option<&(dyn ::core::error::Error + 'static)> {
                match self {
                    $(Self::$variant(error) => ::core::option::Option::Some(error),)*
                    $(Self::$other(error) => ::core::option::Option::Some(error),)*
                    Self::Call(error) => ::core::option::Option::Some(error),
                }
            }
        }
    };
}
