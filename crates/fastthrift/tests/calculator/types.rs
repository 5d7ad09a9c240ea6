//! Arguments and results, as generated code has them.

use std::fmt;

use fastthrift::{__private as p, Decode, DecodeError, Encode, EncodeError};

/// A sum that is too large.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overflow {
    /// What is said of it.
    pub message: String,
    /// The largest sum.
    pub limit: i32,
}

impl std::error::Error for Overflow {}

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A struct whose fields are all read and written one by one.
macro_rules! plain_struct {
    ($(#[$doc:meta])* $name:ident $(<$bound:ident>)? { $($id:literal $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default)]
        pub struct $name $(<$bound>)? {
            $(pub $field: $type,)*
        }

        plain_codec!($name $(<$bound>)? { $($id $field: $type,)* });
    };
}

macro_rules! plain_codec {
    ($name:ident $(<$bound:ident>)? { $($id:literal $field:ident: $type:ty,)* }) => {
        impl $(<$bound: Encode>)? Encode for $name $(<$bound>)? {
            const TTYPE: p::TType = p::TType::Struct;

            fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
                let scope = out.begin_struct();
                $(p::write_field(&self.$field, $id, stringify!($field), out)?;)*
                out.end_struct(scope);
                Ok(())
            }
        }

        impl<'de $(, $bound: Decode<'de> + Default)?> Decode<'de> for $name $(<$bound>)? {
            const TTYPE: p::TType = p::TType::Struct;

            fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
                let scope = input.begin_struct()?;
                $(let mut $field = <$type>::default();)*
                $(p::next_field(input, $id, stringify!($field), &mut $field)?;)*
                if !input.accept_stop() {
                    while let Some(header) = input.read_field()? {
                        match header.id {
                            $($id => $field = p::found_field(input, header.ttype, stringify!($field), $field)?,)*
                            _ => input.skip(header.ttype)?,
                        }
                    }
                }
                input.end_struct(scope);
                Ok(Self { $($field,)* })
            }
        }
    };
}

plain_codec!(Overflow { 1 message: String, 2 limit: i32, });
plain_struct!(
    /// The arguments of `ping`.
    PingArguments {}
);
plain_struct!(
    /// The result of `ping`.
    PingResult {}
);
plain_struct!(
    /// The arguments of `add`.
    AddArguments { 1 a: i32, 2 b: i32, }
);
plain_struct!(
    /// The result of `add`.
    AddResult { 0 success: Option<i32>, 1 overflow: Option<Overflow>, }
);
plain_struct!(
    /// The arguments of `greet`: `&str` to write, `String` to read.
    GreetArguments<T> { 1 name: T, }
);
plain_struct!(
    /// The result of `greet`.
    GreetResult { 0 success: Option<String>, }
);
plain_struct!(
    /// The arguments of `log`.
    LogArguments<T> { 1 line: T, }
);
