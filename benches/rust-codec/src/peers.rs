//! The same values in the peers' types, written and read as their own users do.

use bytes::{Bytes, BytesMut};
use linkedbytes::LinkedBytes;
use parquet::column::writer::ColumnWriter;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
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

/// The footer of a file of 40 columns and 20 row groups.
pub fn parquet_footer() -> Bytes {
    let column = |number: usize| {
        let kind = ["INT64", "DOUBLE", "BYTE_ARRAY"][number % 3];
        let note = if kind == "BYTE_ARRAY" { "(UTF8)" } else { "" };
        format!("OPTIONAL {kind} column_{number} {note};")
    };
    let schema = format!("message schema {{ {} }}", (0..40).map(column).collect::<String>());
    let schema = parse_message_type(&schema).expect("it is one").into();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Default::default()).expect("memory takes all");
    for _ in 0..20 {
        let mut group = writer.next_row_group().expect("the last one is closed");
        while let Some(mut column) = group.next_column().expect("the last one is closed") {
            let levels = Some(&[1; 50][..]);
            let written = match column.untyped() {
                ColumnWriter::Int64ColumnWriter(column) => {
                    column.write_batch(&(0..50).collect::<Vec<_>>(), levels, None)
                }
                ColumnWriter::DoubleColumnWriter(column) => column.write_batch(&[0.5; 50], levels, None),
                ColumnWriter::ByteArrayColumnWriter(column) => {
                    column.write_batch(&vec!["some text".into(); 50], levels, None)
                }
                _ => unreachable!("the schema has three kinds"),
            };
            written.expect("memory takes all");
            column.close().expect("memory takes all");
        }
        group.close().expect("all columns were written");
    }
    let file = writer.into_inner().expect("all groups were written");
    let len = file.last_chunk::<8>().map(|[a, b, c, d, ..]| u32::from_le_bytes([*a, *b, *c, *d]) as usize);
    let end = file.len() - 8;
    Bytes::from(file).slice(end - len.expect("a file ends so")..end)
}

/// The reader that the `parquet` crate has for footers alone.
pub fn parquet_decode(input: &[u8]) -> ParquetMetaData {
    ParquetMetaDataReader::decode_metadata(input).expect("it was written")
}

/// The same with the encodings of a column's pages as they came, instead of as a set of bits.
pub fn parquet_decode_more(input: &[u8]) -> ParquetMetaData {
    let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
    ParquetMetaDataReader::decode_metadata_with_options(input, Some(&options)).expect("it was written")
}
