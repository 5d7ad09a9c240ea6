//! What is measured: each case's subjects, all of which were seen to write the same bytes.

use std::collections::{BTreeMap, HashMap};

use ahash::RandomState;
use bytes::{Bytes, BytesMut};
use fastthrift::{
    BinaryReader, BinaryWriter, Chunks, CompactReader, CompactWriter, Decode, Encode, Limits, OutputProtocol, Text,
};

use crate::footer::{FileMetaData, KeptMetaData};
use crate::measure::Subject;
use crate::ours::{self, Blob, Book, Doubles, Longs, Scores, Small};
use crate::peers::{self, apache_types as apache, pilota_types as pilota};

/// A table of the report.
pub struct Case<'a> {
    pub name: &'static str,
    pub protocol: &'static str,
    pub direction: &'static str,
    /// How many bytes the value takes.
    pub bytes: usize,
    pub subjects: Vec<Subject<'a>>,
}

/// The name of our figure that others are measured against.
pub const OURS: &str = "fastthrift";

/// The other floor: our owned value copied in memory, which takes what its memory does.
const CLONE: &str = "clone";

fn binary(value: &impl Encode) -> Bytes {
    let mut out = Vec::new();
    value.encode(&mut BinaryWriter::new(&mut out)).expect("it fits");
    out.into()
}

fn compact(value: &impl Encode) -> Bytes {
    let mut out = Vec::new();
    value.encode(&mut CompactWriter::new(&mut out)).expect("it fits");
    out.into()
}

fn encode_binary<'a>(name: &'static str, value: &'a impl Encode) -> Subject<'a> {
    let mut out = Vec::new();
    Subject::new(name, move || {
        out.clear();
        value.encode(&mut BinaryWriter::new(&mut out)).expect("it fits");
        out.len()
    })
}

fn encode_compact<'a>(name: &'static str, value: &'a impl Encode) -> Subject<'a> {
    let mut out = Vec::new();
    Subject::new(name, move || {
        out.clear();
        value.encode(&mut CompactWriter::new(&mut out)).expect("it fits");
        out.len()
    })
}

fn decode_binary<'a, T: Decode<'a> + 'a>(name: &'static str, input: &'a Bytes) -> Subject<'a> {
    Subject::new(name, || T::decode(&mut BinaryReader::shared(input, Limits::DEFAULT)).expect("it was written"))
}

fn decode_compact<'a, T: Decode<'a> + 'a>(name: &'static str, input: &'a Bytes) -> Subject<'a> {
    Subject::new(name, || T::decode(&mut CompactReader::shared(input, Limits::DEFAULT)).expect("it was written"))
}

/// The floor: the same bytes copied into a buffer that is there.
fn copy(input: &Bytes) -> Subject<'_> {
    let mut out = Vec::with_capacity(input.len());
    Subject::new("memcpy", move || {
        out.clear();
        out.extend_from_slice(std::hint::black_box(input));
        out.len()
    })
}

type Ahash<K, V> = HashMap<K, V, RandomState>;
type Fold<K, V> = hashbrown::HashMap<K, V>;

/// Calls `run` with every case in turn; the values live as long as that takes.
pub fn each(mut run: impl FnMut(Case<'_>)) {
    macro_rules! cases {
        ($name:literal, $value:expr, $pilota:ty, $apache:ty, [$($label:literal: $type:ty),* $(,)?]) => {{
            let value = $value;
            let (wire, compact_wire) = (binary(&value), compact(&value));
            let pilota: $pilota = peers::pilota_decode(&wire);
            let apache: $apache = peers::apache_decode(&wire);
            let mut vec = Vec::new();
            peers::apache_compact_encode(&apache, &mut vec);
            assert_eq!(vec.len(), compact_wire.len(), "all write as many bytes");

            let (mut out, mut out_unsafe, mut out_apache) = (BytesMut::new(), BytesMut::new(), Vec::new());
            run(Case { name: $name, protocol: "Binary", direction: "encode", bytes: wire.len(), subjects: vec![
                encode_binary(OURS, &value),
                Subject::new("pilota", || peers::pilota_encode(&pilota, &mut out)),
                Subject::new("pilota, unsafe codec", || peers::pilota_unsafe_encode(&pilota, &mut out_unsafe)),
                Subject::new("Apache", || peers::apache_encode(&apache, &mut out_apache)),
                copy(&wire),
            ] });
            run(Case { name: $name, protocol: "Binary", direction: "decode", bytes: wire.len(), subjects: vec![
                $(decode_binary::<$type>($label, &wire),)*
                Subject::new("pilota", || peers::pilota_decode::<$pilota>(&wire)),
                Subject::new("pilota, unsafe codec", || peers::pilota_unsafe_decode::<$pilota>(&wire)),
                Subject::new("Apache", || peers::apache_decode::<$apache>(&wire)),
                Subject::new(CLONE, || std::hint::black_box(&value).clone()),
                copy(&wire),
            ] });
            run(Case { name: $name, protocol: "Compact", direction: "encode", bytes: compact_wire.len(), subjects: vec![
                encode_compact(OURS, &value),
                Subject::new("pilota", || peers::pilota_compact_encode(&pilota, &mut out)),
                Subject::new("Apache", || peers::apache_compact_encode(&apache, &mut out_apache)),
                copy(&compact_wire),
            ] });
            let mut subjects = vec![
                $(decode_compact::<$type>($label, &compact_wire),)*
                Subject::new("Apache", || peers::apache_compact_decode::<$apache>(&compact_wire)),
                copy(&compact_wire),
            ];
            // It reads neither a bool field nor a field after a nested struct of Compact, and doubles in the wrong byte order.
            if matches!($name, "10k i64" | "1k map") {
                subjects.push(Subject::new("pilota", || peers::pilota_compact_decode::<$pilota>(&compact_wire)));
            }
            run(Case { name: $name, protocol: "Compact", direction: "decode", bytes: compact_wire.len(), subjects });
        }};
    }

    cases!("small", ours::small(), pilota::Small, apache::Small, [
        "fastthrift": Small<String>,
        "fastthrift, Text": Small<Text>,
        "fastthrift, borrowed": Small<&str>,
    ]);
    cases!("book", ours::book(), pilota::Book, apache::Book, [
        "fastthrift": Book<String, BTreeMap<String, String>>,
        "fastthrift, String, aHash": Book<String, Ahash<String, String>>,
        "fastthrift, String, pairs": Book<String, Vec<(String, String)>>,
        "fastthrift, Text": Book<Text, BTreeMap<Text, Text>>,
        "fastthrift, Text, aHash": Book<Text, Ahash<Text, Text>>,
        "fastthrift, Text, hashbrown": Book<Text, Fold<Text, Text>>,
        "fastthrift, Text, pairs": Book<Text, Vec<(Text, Text)>>,
        "fastthrift, borrowed, BTreeMap": Book<&str, BTreeMap<&str, &str>>,
        "fastthrift, borrowed, aHash": Book<&str, Ahash<&str, &str>>,
        "fastthrift, borrowed, pairs": Book<&str, Vec<(&str, &str)>>,
    ]);
    cases!("10k double", ours::doubles(), pilota::Doubles, apache::Doubles, ["fastthrift": Doubles]);
    cases!("10k i64", ours::longs(), pilota::Longs, apache::Longs, ["fastthrift": Longs]);
    cases!("1k map", ours::scores(), pilota::Scores, apache::Scores, [
        "fastthrift": Scores<BTreeMap<String, i32>>,
        "fastthrift, String, aHash": Scores<Ahash<String, i32>>,
        "fastthrift, Text, aHash": Scores<Ahash<Text, i32>>,
        "fastthrift, borrowed, aHash": Scores<Ahash<&str, i32>>,
        "fastthrift, borrowed, pairs": Scores<Vec<(&str, i32)>>,
    ]);
    blob(&mut run);
    footer(&mut run);
}

fn blob(run: &mut impl FnMut(Case<'_>)) {
    let value = Blob { data: Bytes::from(ours::blob()) };
    let wire = binary(&value);
    let pilota: pilota::Blob = peers::pilota_decode(&wire);
    let apache: apache::Blob = peers::apache_decode(&wire);
    let (mut chunks, mut linked, mut vec) = (Chunks::new(), None, Vec::new());
    run(Case {
        name: "1 MiB",
        protocol: "Binary",
        direction: "encode",
        bytes: wire.len(),
        subjects: vec![
            Subject::new(OURS, || {
                chunks.clear();
                let mut out = BinaryWriter::new(&mut chunks);
                value.encode(&mut out).expect("it fits");
                out.has_lost()
            }),
            encode_binary("fastthrift, into one buffer", &value),
            Subject::new("pilota, LinkedBytes", || peers::pilota_linked_encode(&pilota, &mut linked)),
            Subject::new("Apache", || peers::apache_encode(&apache, &mut vec)),
            copy(&wire),
        ],
    });
    run(Case {
        name: "1 MiB",
        protocol: "Binary",
        direction: "decode",
        bytes: wire.len(),
        subjects: vec![
            decode_binary::<Blob<Bytes>>(OURS, &wire),
            decode_binary::<Blob<&[u8]>>("fastthrift, borrowed", &wire),
            decode_binary::<Blob<Vec<u8>>>("fastthrift, Vec", &wire),
            Subject::new("pilota", || peers::pilota_decode::<pilota::Blob>(&wire)),
            Subject::new("Apache", || peers::apache_decode::<apache::Blob>(&wire)),
            copy(&wire),
        ],
    });
}

/// The footer of a file that the `parquet` crate wrote: many small structs, in Compact.
fn footer(run: &mut impl FnMut(Case<'_>)) {
    let wire = peers::parquet_footer();
    let value: FileMetaData<String, Vec<u8>> =
        Decode::decode(&mut CompactReader::new(&wire, Limits::DEFAULT)).expect("the crate wrote what its format says");
    assert_eq!(compact(&value), wire, "it is written back as it was");
    run(Case {
        name: "Parquet footer",
        protocol: "Compact",
        direction: "decode",
        bytes: wire.len(),
        subjects: vec![
            decode_compact::<FileMetaData<String, Vec<u8>>>(OURS, &wire),
            decode_compact::<FileMetaData<Text, Bytes>>("fastthrift, Text, Bytes", &wire),
            decode_compact::<FileMetaData<&str, &[u8]>>("fastthrift, borrowed", &wire),
            decode_compact::<KeptMetaData<String, Vec<u8>>>("fastthrift, parquet's fields", &wire),
            decode_compact::<KeptMetaData<&str, &[u8]>>("fastthrift, parquet's fields, borrowed", &wire),
            Subject::new(CLONE, || std::hint::black_box(&value).clone()),
            Subject::new("parquet", || peers::parquet_decode(&wire)),
            Subject::new("parquet, page encodings", || peers::parquet_decode_more(&wire)),
            copy(&wire),
        ],
    });
    run(Case {
        name: "Parquet footer",
        protocol: "Compact",
        direction: "encode",
        bytes: wire.len(),
        subjects: vec![encode_compact(OURS, &value), copy(&wire)],
    });
}
