//! How much memory is taken for what a peer announces.

use alloc::vec::Vec;

use fastthrift_protocol::{DecodeError, InputProtocol};

/// Memory that is taken at once whatever the input's length, in bytes.
const FREELY: usize = 64 << 10;
/// How many bytes of memory are taken at once for each byte that is left of the input.
const EACH: usize = 4;

/// Counts memory for `len` values of type `T`, and says for how many of them to make room at once. More of them grow a container
/// step by step, so that no announcement takes much memory before its values come.
#[inline]
pub(crate) fn room_for<'de, T, P: InputProtocol<'de>>(input: &mut P, len: usize) -> Result<usize, DecodeError> {
    let size = size_of::<T>();
    let bytes = len.saturating_mul(size);
    input.charge(bytes)?;
    if bytes <= FREELY {
        return Ok(len);
    }
    let most = input.remaining().saturating_mul(EACH).max(FREELY);
    Ok(len.min(most / size.max(1)))
}

/// An empty vector for `len` values, all of which are counted.
#[inline]
pub(crate) fn vec_for<'de, T, P: InputProtocol<'de>>(input: &mut P, len: usize) -> Result<Vec<T>, DecodeError> {
    Ok(Vec::with_capacity(room_for::<T, P>(input, len)?))
}
