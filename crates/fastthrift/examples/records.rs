//! Writes books to a file and reads them again: `records write FILE [COUNT]`, `records read FILE`.
//!
//! A file of records is one struct after the other. Each of them knows where it ends, so nothing stands between them, and whoever speaks
//! Thrift can read it; `examples/library/records.py` does the same in Python.

#[path = "idl/library.rs"]
#[rustfmt::skip]
mod idl;

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};

use fastthrift::{DecodeError, Limits, Protocol, decode_prefix, encode_into};
use idl::library::Book;

const PROTOCOL: Protocol = Protocol::Compact;
/// Bytes that are collected before they go to the file.
const BUFFER: usize = 1 << 16;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", path] => write(path, 1000),
        ["write", path, count] => write(path, count.parse()?),
        ["read", path] => {
            let bytes = fs::read(path)?;
            let (mut count, mut years) = (0, 0);
            for book in Records(&bytes) {
                (count, years) = (count + 1, years + i64::from(book?.year));
            }
            println!("{count} books, {years} years");
            Ok(())
        }
        _ => Err("records write FILE [COUNT], or records read FILE".into()),
    }
}

/// Writes one struct after the other.
fn write(path: &str, count: i32) -> Result<(), Box<dyn Error>> {
    let mut file = File::create(path)?;
    let mut buffer = Vec::new();
    for number in 0..count {
        let authors = vec![format!("Author {}", number % 7), format!("Author {}", number % 11)];
        let book = Book { title: format!("Book {number:06}"), year: 1900 + number % 100, authors };
        encode_into(PROTOCOL, &book, &mut buffer)?;
        if buffer.len() >= BUFFER {
            flush(&mut file, &mut buffer)?;
        }
    }
    flush(&mut file, &mut buffer)?;
    Ok(())
}

fn flush(file: &mut File, buffer: &mut Vec<u8>) -> io::Result<()> {
    file.write_all(buffer)?;
    buffer.clear();
    Ok(())
}

/// The structs of some bytes; the last item is the error of one that is cut off or broken.
struct Records<'a>(&'a [u8]);

impl Iterator for Records<'_> {
    type Item = Result<Book, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        match decode_prefix(PROTOCOL, self.0, Limits::DEFAULT) {
            Ok((book, len)) => {
                self.0 = &self.0[len..];
                Some(Ok(book))
            }
            Err(error) => {
                self.0 = &[];
                Some(Err(error))
            }
        }
    }
}
