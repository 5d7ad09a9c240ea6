//! Prints how long the codecs take, as the best of many rounds: `cargo run --release --example codec_speed`.

use std::hint::black_box;
use std::time::Instant;

use fastthrift_protocol::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, FieldHeader, InputProtocol, Limits,
    MessageScanner, OutputProtocol, Protocol, TType,
};

/// The best time of one run, in nanoseconds.
fn best(mut run: impl FnMut()) -> f64 {
    let round = |run: &mut dyn FnMut(), times: u32| {
        let start = Instant::now();
        (0..times).for_each(|_| run());
        start.elapsed().as_secs_f64() * 1e9 / f64::from(times)
    };
    let once = round(&mut run, 100).max(1.0);
    let times = (0..24).map(|power| 1u32 << power).find(|&times| once * f64::from(times) > 2e6).unwrap_or(1);
    (0..50).map(|_| round(&mut run, times)).fold(f64::INFINITY, f64::min)
}

/// i32, i64, double, bool, i16 and a string of 12 bytes.
#[inline(never)]
fn write_small(out: &mut impl OutputProtocol, number: i32) {
    let scope = out.begin_struct();
    out.write_i32_field(1, number);
    out.write_i64_field(2, i64::from(number) << 20);
    out.write_double_field(3, 1.5);
    out.write_bool_field(4, true);
    out.write_i16_field(5, 1234);
    out.write_binary_field(6, black_box(b"hello, world"));
    out.end_struct(scope);
}

#[inline(never)]
fn read_small<'de>(input: &mut impl InputProtocol<'de>) -> Result<(i32, i64, f64, bool, i16, &'de str), DecodeError> {
    const fn field(ttype: TType, id: i16) -> FieldHeader {
        FieldHeader { ttype, id }
    }
    let scope = input.begin_struct()?;
    let mut value = (0, 0, 0.0, false, 0, "");
    if input.accept_field(field(TType::I32, 1)) {
        value.0 = input.read_i32()?;
    }
    if input.accept_field(field(TType::I64, 2)) {
        value.1 = input.read_i64()?;
    }
    if input.accept_field(field(TType::Double, 3)) {
        value.2 = input.read_double()?;
    }
    if input.accept_field(field(TType::Bool, 4)) {
        value.3 = input.read_bool()?;
    }
    if input.accept_field(field(TType::I16, 5)) {
        value.4 = input.read_i16()?;
    }
    if input.accept_field(field(TType::String, 6)) {
        value.5 = input.read_string()?;
    }
    while let Some(header) = input.read_field()? {
        input.skip(header.ttype)?;
    }
    input.end_struct(scope);
    Ok(value)
}

#[inline(never)]
fn write_numbers(out: &mut impl OutputProtocol, numbers: &[i64]) {
    out.begin_list(TType::I64, numbers.len());
    for &number in numbers {
        out.write_i64(number);
    }
}

#[inline(never)]
fn read_numbers<'de>(input: &mut impl InputProtocol<'de>, numbers: &mut Vec<i64>) -> Result<(), DecodeError> {
    let list = input.begin_list()?;
    numbers.clear();
    numbers.reserve(list.len);
    for _ in 0..list.len {
        numbers.push(input.read_i64()?);
    }
    input.end_container();
    Ok(())
}

#[inline(never)]
fn write_words(out: &mut impl OutputProtocol, words: &[String]) {
    out.begin_list(TType::String, words.len());
    for word in words {
        out.write_binary(word.as_bytes());
    }
}

#[inline(never)]
fn read_words<'de>(input: &mut impl InputProtocol<'de>) -> Result<usize, DecodeError> {
    let list = input.begin_list()?;
    let mut total = 0;
    for _ in 0..list.len {
        total += input.read_string()?.len();
    }
    input.end_container();
    Ok(total)
}

macro_rules! measure {
    ($name:literal, $reader:ident, $writer:ident, $protocol:expr) => {{
        let mut out = Vec::new();
        let small = best(|| {
            out.clear();
            write_small(&mut $writer::new(&mut out), black_box(7));
            black_box(&out);
        });
        println!("{:8} write small    {small:10.1} ns", $name);
        let small = best(|| {
            black_box(read_small(&mut $reader::new(black_box(&out), Limits::DEFAULT)).expect("what was written"));
        });
        println!("{:8} read small     {small:10.1} ns", $name);
        let skipped = best(|| {
            $reader::new(black_box(&out), Limits::DEFAULT).skip(TType::Struct).expect("what was written");
        });
        println!("{:8} skip small     {skipped:10.1} ns", $name);

        for (label, modulus) in [("small", 5_000), ("wide ", i64::MAX)] {
            let numbers: Vec<i64> =
                (1..=10_000i64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed()) % modulus).collect();
            let mut list = Vec::new();
            let write = best(|| {
                list.clear();
                write_numbers(&mut $writer::new(&mut list), black_box(&numbers));
            });
            println!("{:8} write 10k i64 {label} {:6.2} us", $name, write / 1e3);
            let mut back = Vec::new();
            let read = best(|| {
                read_numbers(&mut $reader::new(black_box(&list), Limits::DEFAULT), &mut back)
                    .expect("what was written");
            });
            assert_eq!(back, numbers);
            println!("{:8} read 10k i64 {label}  {:6.2} us", $name, read / 1e3);
        }

        let words: Vec<String> = (0..1000).map(|n| format!("word-{}", "x".repeat(n % 20))).collect();
        let mut list = Vec::new();
        let write = best(|| {
            list.clear();
            write_words(&mut $writer::new(&mut list), black_box(&words));
        });
        println!("{:8} write 1k strings {:10.2} us", $name, write / 1e3);
        let read = best(|| {
            black_box(read_words(&mut $reader::new(black_box(&list), Limits::DEFAULT)).expect("what was written"));
        });
        println!("{:8} read 1k strings  {:10.2} us", $name, read / 1e3);

        let mut message = Vec::new();
        let header = fastthrift_protocol::MessageHeader {
            name: b"echo",
            message_type: fastthrift_protocol::MessageType::Call,
            sequence_id: 1,
        };
        let writer = &mut $writer::new(&mut message);
        writer.write_message_header(&header);
        writer.write_field(FieldHeader { ttype: TType::Struct, id: 1 });
        write_small(writer, 7);
        message.push(0);
        let mut scanner = MessageScanner::new($protocol, Limits::DEFAULT);
        let scan = best(|| {
            black_box(scanner.scan(black_box(&message)).expect("what was written"));
        });
        println!("{:8} scan a call    {scan:10.1} ns", $name);
    }};
}

fn main() {
    measure!("binary", BinaryReader, BinaryWriter, Protocol::Binary);
    measure!("compact", CompactReader, CompactWriter, Protocol::Compact);
}
