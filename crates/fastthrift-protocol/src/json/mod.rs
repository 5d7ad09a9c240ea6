//! The JSON protocol of Apache Thrift (`lib/cpp/src/thrift/protocol/TJSONProtocol.h`), and the parts of JSON that every
//! codec made of JSON text shares: [`Lexer`] reads them, the functions here write them.
//!
//! Text and base64 that stand in the input as they are, are borrowed from it; what has to be unescaped or decoded goes
//! into a [`Scratch`].

mod base64;
mod double;
mod header;
mod lexer;
mod number;
mod places;
mod reader;
mod scan;
mod scratch;
mod string;
mod tag;
mod uuid;
mod write;
mod writer;

pub use double::DoubleText;
pub(crate) use header::{Form, read_plain_header, write_header};
pub use lexer::Lexer;
pub use reader::JsonReader;
pub(crate) use scan::{BracketScan, object_len};
pub use scratch::Scratch;
pub use write::{write_base64, write_double, write_integer, write_text, write_uuid};
pub use writer::JsonWriter;
