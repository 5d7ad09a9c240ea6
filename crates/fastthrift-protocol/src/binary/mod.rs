//! The Binary protocol: every number in full width and big-endian
//! (Apache Thrift, `doc/specs/thrift-binary-protocol.md`).

mod reader;
mod writer;

pub use reader::BinaryReader;
pub use writer::BinaryWriter;

/// The upper half of the first word of a strict message.
const VERSION_1: u32 = 0x8001_0000;
/// The part of that word which is compared; the third byte is not looked at.
const VERSION_MASK: u32 = 0xffff_0000;
