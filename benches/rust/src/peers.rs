//! The same values in the peers' types, written and read as their own users do.

use bytes::{Bytes, BytesMut};
use linkedbytes::LinkedBytes;
use pilota::thrift::Message;
use pilota::thrift::binary::TBinaryProtocol;
use pilota::thrift::binary_unsafe::{TBinaryUnsafeInputProtocol, TBinaryUnsafeOutputProtocol};
use pilota::thrift::compact::{TCompactInputProtocol, TCompactOutputProtocol};
use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TCompactInputProtocol as ApacheCompactInput,
    TCompactOutputProtocol as ApacheCompactOutput, TSerializable,
};

pub mod pilota_types {
    #![allow(warnings)]
    include!(concat!(env!("OUT_DIR"), "/pilota.rs"));
    pub use self::pilota::bench::*;
}

pub mod apache_types {
    #![allow(warnings)]
    include!(concat!(env!("OUT_DIR"), "/apache_bench.rs"));
}

/// Pilota as it is by default: the size first, then every field with a check of the room.
pub fn pilota_encode(value: &impl Message, out: &mut BytesMut) {
    out.clear();
    out.reserve(value.size(&mut TBinaryProtocol::new((), false)));
    value.encode(&mut TBinaryProtocol::new(out, false)).expect("it fits");
}

/// Pilota's `unsafe-codec`: no checks of the room.
pub fn pilota_unsafe_encode(value: &impl Message, out: &mut BytesMut) {
    out.clear();
    let size = value.size(&mut TBinaryProtocol::new((), false));
    out.reserve(size);
    // SAFETY: the capacity was just reserved, and pilota writes as many bytes as it said.
    unsafe {
        let room = std::slice::from_raw_parts_mut(out.as_mut_ptr(), out.capacity());
        let mut protocol = TBinaryUnsafeOutputProtocol::new(&mut *out, room, false);
        value.encode(&mut protocol).expect("it fits");
        let written = protocol.index();
        out.set_len(written);
    }
}

pub fn pilota_decode<T: Message>(input: &Bytes) -> T {
    let mut input = input.clone();
    T::decode(&mut TBinaryProtocol::new(&mut input, true)).expect("it was written")
}

/// Pilota's `unsafe-codec`: no checks of what is left.
pub fn pilota_unsafe_decode<T: Message>(input: &Bytes) -> T {
    let mut input = input.clone();
    // SAFETY: the input is whole, which is what pilota asks for here.
    unsafe { T::decode(&mut TBinaryUnsafeInputProtocol::new(&mut input)).expect("it was written") }
}

pub fn pilota_compact_encode(value: &impl Message, out: &mut BytesMut) {
    out.clear();
    out.reserve(value.size(&mut TCompactOutputProtocol::new((), false)));
    value.encode(&mut TCompactOutputProtocol::new(out, false)).expect("it fits");
}

pub fn pilota_compact_decode<T: Message>(input: &Bytes) -> T {
    let mut input = input.clone();
    T::decode(&mut TCompactInputProtocol::new(&mut input)).expect("it was written")
}

pub fn apache_encode(value: &impl TSerializable, out: &mut Vec<u8>) {
    out.clear();
    value.write_to_out_protocol(&mut TBinaryOutputProtocol::new(out, true)).expect("it fits");
}

pub fn apache_decode<T: TSerializable>(input: &[u8]) -> T {
    T::read_from_in_protocol(&mut TBinaryInputProtocol::new(input, true)).expect("it was written")
}

pub fn apache_compact_encode(value: &impl TSerializable, out: &mut Vec<u8>) {
    out.clear();
    value.write_to_out_protocol(&mut ApacheCompactOutput::new(out)).expect("it fits");
}

pub fn apache_compact_decode<T: TSerializable>(input: &[u8]) -> T {
    T::read_from_in_protocol(&mut ApacheCompactInput::new(input)).expect("it was written")
}

/// Pilota as volo uses it: large byte strings stand beside the buffer.
pub fn pilota_linked_encode(value: &impl Message, out: &mut Option<LinkedBytes>) {
    let mut linked = out.take().unwrap_or_default();
    linked.reset();
    linked.reserve(64);
    value.encode(&mut TBinaryProtocol::new(&mut linked, true)).expect("it fits");
    *out = Some(linked);
}
