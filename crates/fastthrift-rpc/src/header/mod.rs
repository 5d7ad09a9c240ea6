//! The Header transport (`THeader`): frames that hold, before a message, the protocol that it is written in, how its bytes were
//! transformed, and headers.
//!
//! After the four bytes of the frame's length: the magic `0x0fff`, flags and a sequence id, the length of the block that
//! follows in words of four bytes; in the block, as unsigned varints, the id of the protocol, the count and the ids of
//! the transforms in the order in which they were applied, and infos until the block ends or an unknown one comes; then
//! the message. The infos that are known are key/values (1) and those that some peers mean to last (2), which are read as
//! this message's own. Zeros fill the block up to whole words.
//!
//! Apache's libraries know the protocols Binary (0) and Compact (2) and the transform zlib (1). JSON (1), `SimpleJSON`
//! (5) and zstd (5) have the ids that fbthrift gave them.

mod block;
mod frames;
mod transform;
mod transforms;

pub(crate) use block::{HeaderFrame, open_frame, payload_start};
pub(crate) use frames::{Envelope, HeaderFrames};
pub use transform::Transform;
pub(crate) use transforms::Transforms;

/// What the first two bytes of a frame's content are.
pub(crate) const MAGIC: [u8; 2] = [0x0f, 0xff];
