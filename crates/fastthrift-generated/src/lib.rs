//! Rust that was generated from all IDL at hand: that it compiles without a warning is the first thing that this crate tests.
//!
//! The cases of `fastthrift-codegen` are here with several options, and the folder of real IDL if it is there (`FASTTHRIFT_SHARED` says
//! where). The program of this crate reads and writes every struct of the latter.

#![deny(warnings)]
#![allow(clippy::type_complexity, reason = "it is the IDL that has such types")]

extern crate self as fastthrift_generated;

pub mod agreement;

use fastthrift::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, Decode, DecodeOwned, Encode, Limits, Protocol,
};

/// The cases with the options that are there by default.
pub mod cases {
    include!(concat!(env!("OUT_DIR"), "/types.rs"));
    include!(concat!(env!("OUT_DIR"), "/chosen.rs"));
    include!(concat!(env!("OUT_DIR"), "/constants.rs"));
    include!(concat!(env!("OUT_DIR"), "/docs.rs"));
    include!(concat!(env!("OUT_DIR"), "/services.rs"));
    include!(concat!(env!("OUT_DIR"), "/modules.rs"));
    include!(concat!(env!("OUT_DIR"), "/wide.rs"));
}

/// The same with what is hashed and shared, and all that is unknown kept.
pub mod hashed {
    include!(concat!(env!("OUT_DIR"), "/hashed/types.rs"));
    include!(concat!(env!("OUT_DIR"), "/hashed/chosen.rs"));
    include!(concat!(env!("OUT_DIR"), "/hashed/constants.rs"));
    include!(concat!(env!("OUT_DIR"), "/hashed/services.rs"));
    include!(concat!(env!("OUT_DIR"), "/hashed/wide.rs"));
}

/// The same with lists for maps and sets, and text borrowed.
pub mod borrowed {
    include!(concat!(env!("OUT_DIR"), "/borrowed/types.rs"));
    include!(concat!(env!("OUT_DIR"), "/borrowed/chosen.rs"));
    include!(concat!(env!("OUT_DIR"), "/borrowed/constants.rs"));
    include!(concat!(env!("OUT_DIR"), "/borrowed/services.rs"));
    include!(concat!(env!("OUT_DIR"), "/borrowed/wide.rs"));
}

/// The same for programs without `std`.
pub mod bare {
    include!(concat!(env!("OUT_DIR"), "/bare/types.rs"));
    include!(concat!(env!("OUT_DIR"), "/bare/chosen.rs"));
    include!(concat!(env!("OUT_DIR"), "/bare/constants.rs"));
    include!(concat!(env!("OUT_DIR"), "/bare/wide.rs"));
}

/// The folder of real IDL, a module for each of its directories.
pub mod real {
    include!(concat!(env!("OUT_DIR"), "/real.rs"));
}

/// Reads a value and writes it again, or says why not.
pub type RoundTrip = fn(Protocol, &[u8]) -> Result<Vec<u8>, String>;

/// Every struct, union and exception of the real IDL: file, name, and how it is read and written.
pub static ROUND_TRIPS: &[(&str, &str, RoundTrip)] = include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// Reads a value of this type and writes it again, in Binary or Compact.
pub fn round_trip<T: Encode + DecodeOwned>(protocol: Protocol, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    match protocol {
        Protocol::Binary => {
            let value = T::decode(&mut BinaryReader::new(bytes, Limits::DEFAULT)).map_err(|error| error.to_string())?;
            value.encode(&mut BinaryWriter::new(&mut out)).map_err(|error| error.to_string())?;
        }
        _ => {
            let value =
                T::decode(&mut CompactReader::new(bytes, Limits::DEFAULT)).map_err(|error| error.to_string())?;
            value.encode(&mut CompactWriter::new(&mut out)).map_err(|error| error.to_string())?;
        }
    }
    Ok(out)
}

/// Reads a value that may borrow from `bytes`.
pub fn read<'de, T: Decode<'de>>(bytes: &'de [u8]) -> Result<T, fastthrift::DecodeError> {
    T::decode(&mut BinaryReader::new(bytes, Limits::DEFAULT))
}
