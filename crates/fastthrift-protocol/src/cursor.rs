use crate::{DecodeError, DecodeErrorKind, Limits};

/// The place in the input and the bounds that hold there: what every reader is made of.
///
/// The bytes that are left are kept as a slice, so that taking some is one comparison and one load.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'de> {
    rest: &'de [u8],
    total: usize,
    /// How many elements containers may still announce: each takes a byte at least, and none is an element of two, so all containers
    /// of a message together have no more than it has bytes.
    elements_left: usize,
    string_limit: usize,
    container_limit: usize,
    depth_left: u32,
    depth_limit: u32,
    memory_left: usize,
    memory_limit: usize,
    /// What the input is a part of, whose memory can be shared.
    #[cfg(feature = "bytes")]
    owner: Option<&'de bytes::Bytes>,
}

impl<'de> Cursor<'de> {
    /// Sizes are signed 32-bit numbers on the wire, so no limit is above them: a negative size is over every limit.
    pub(crate) fn new(input: &'de [u8], limits: Limits) -> Self {
        let largest = usize::try_from(i32::MAX).unwrap_or(usize::MAX);
        let depth = limits.depth.min(Limits::MAX_DEPTH);
        Self {
            rest: input,
            total: input.len(),
            elements_left: input.len(),
            string_limit: limits.string.min(largest),
            container_limit: limits.container.min(largest),
            depth_left: depth,
            depth_limit: depth,
            memory_left: limits.memory,
            memory_limit: limits.memory,
            #[cfg(feature = "bytes")]
            owner: None,
        }
    }

    /// A cursor over memory that can be shared.
    #[cfg(feature = "bytes")]
    pub(crate) fn shared(input: &'de bytes::Bytes, limits: Limits) -> Self {
        Self { owner: Some(input), ..Self::new(input, limits) }
    }

    /// A part of the input that was read, without a copy where the input's memory can be shared.
    #[cfg(feature = "bytes")]
    #[inline]
    pub(crate) fn owned(&self, part: &'de [u8]) -> bytes::Bytes {
        match self.owner {
            Some(owner) => owner.slice_ref(part),
            None => bytes::Bytes::copy_from_slice(part),
        }
    }

    /// Counts memory that the caller takes for what it reads.
    #[inline]
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        let Some(left) = self.memory_left.checked_sub(bytes) else {
            let size = (self.memory_limit - self.memory_left).saturating_add(bytes);
            let kind = DecodeErrorKind::SizeLimit { what: "message's values", size, limit: self.memory_limit };
            return Err(error(kind, self.offset()));
        };
        self.memory_left = left;
        Ok(())
    }

    /// Moves to this offset of the input, at most to its end.
    pub(crate) fn with_offset(mut self, input: &'de [u8], offset: usize) -> Self {
        self.rest = input.get(offset..).unwrap_or_default();
        self
    }

    #[inline]
    pub(crate) fn rest(&self) -> &'de [u8] {
        self.rest
    }

    #[inline]
    pub(crate) fn offset(&self) -> usize {
        self.total - self.rest.len()
    }

    #[inline]
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Goes on after the first `len` bytes, which the caller has seen in [`Self::rest`].
    #[inline]
    pub(crate) fn advance(&mut self, len: usize) {
        self.rest = self.rest.get(len..).unwrap_or_default();
    }

    /// Goes on after the next `N` bytes, if they are there.
    #[inline]
    pub(crate) fn skip<const N: usize>(&mut self) -> bool {
        let Some((_, rest)) = self.rest.split_first_chunk::<N>() else { return false };
        self.rest = rest;
        true
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some((array, rest)) = self.rest.split_first_chunk() else {
            return Err(unexpected_end(N - self.rest.len(), self.total));
        };
        self.rest = rest;
        Ok(*array)
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        let Some((&byte, rest)) = self.rest.split_first() else { return Err(unexpected_end(1, self.total)) };
        self.rest = rest;
        Ok(byte)
    }

    #[inline]
    pub(crate) fn slice(&mut self, len: usize) -> Result<&'de [u8], DecodeError> {
        let Some((slice, rest)) = self.rest.split_at_checked(len) else {
            return Err(unexpected_end(len - self.rest.len(), self.total));
        };
        self.rest = rest;
        Ok(slice)
    }

    /// Takes the first `len` bytes, a length that came from the peer as these 32 bits.
    #[inline]
    pub(crate) fn sized_slice(&mut self, len: u32) -> Result<&'de [u8], DecodeError> {
        let len = self.string_len(len)?;
        self.slice(len)
    }

    /// Checks a string's length against the limit alone.
    #[inline]
    pub(crate) fn string_len(&self, len: u32) -> Result<usize, DecodeError> {
        checked_size(len, "string", self.string_limit, self.offset())
    }

    /// The most elements of one container.
    pub(crate) fn container_limit(&self) -> usize {
        self.container_limit
    }

    /// Checks a container's length against the limit alone.
    #[inline]
    pub(crate) fn container_len(&self, len: u32) -> Result<usize, DecodeError> {
        checked_size(len, "container", self.container_limit, self.offset())
    }

    /// Checks that `len` items of at least `smallest` bytes each can be in what is left.
    #[inline]
    pub(crate) fn expect_items(&mut self, len: usize, smallest: usize) -> Result<(), DecodeError> {
        match (len.checked_mul(smallest), self.elements_left.checked_sub(len)) {
            (Some(needed), Some(left)) if needed <= self.rest.len() => {
                self.elements_left = left;
                Ok(())
            }
            (needed, _) => {
                Err(unexpected_end(needed.unwrap_or(usize::MAX).saturating_sub(self.rest.len()).max(1), self.total))
            }
        }
    }

    /// Goes on with `rest` within a container of so many items of at least `smallest` bytes each, if that is within all limits.
    #[inline]
    pub(crate) fn accept_items(&mut self, rest: &'de [u8], len: usize, smallest: usize) -> bool {
        let fits = len <= self.container_limit && len.checked_mul(smallest).is_some_and(|needed| needed <= rest.len());
        let (true, Some(elements), Some(depth)) =
            (fits, self.elements_left.checked_sub(len), self.depth_left.checked_sub(1))
        else {
            return false;
        };
        self.rest = rest;
        self.elements_left = elements;
        self.depth_left = depth;
        true
    }

    #[inline]
    pub(crate) fn enter(&mut self) -> Result<(), DecodeError> {
        let Some(left) = self.depth_left.checked_sub(1) else {
            return Err(error(DecodeErrorKind::DepthLimit(self.depth_limit), self.offset()));
        };
        self.depth_left = left;
        Ok(())
    }

    #[inline]
    pub(crate) fn leave(&mut self) {
        self.depth_left += 1;
    }
}

/// An error at this offset. The arguments are values, so that a reader can stay in registers around the call.
#[cold]
#[inline(never)]
pub(crate) fn error(kind: DecodeErrorKind, offset: usize) -> DecodeError {
    DecodeError::new(kind, offset)
}

#[cold]
#[inline(never)]
pub(crate) fn unexpected_end(needed: usize, offset: usize) -> DecodeError {
    DecodeError::new(DecodeErrorKind::UnexpectedEnd { needed }, offset)
}

#[cold]
#[inline(never)]
pub(crate) fn invalid_type(number: u8, offset: usize) -> DecodeError {
    DecodeError::new(DecodeErrorKind::InvalidType(number), offset)
}

#[inline]
fn checked_size(size: u32, what: &'static str, limit: usize, offset: usize) -> Result<usize, DecodeError> {
    match usize::try_from(size) {
        Ok(size) if size <= limit => Ok(size),
        _ => Err(bad_size(size, what, limit, offset)),
    }
}

#[cold]
#[inline(never)]
fn bad_size(size: u32, what: &'static str, limit: usize, offset: usize) -> DecodeError {
    let signed = size.cast_signed();
    let kind = match usize::try_from(signed) {
        Ok(size) => DecodeErrorKind::SizeLimit { what, size, limit },
        Err(_) => DecodeErrorKind::NegativeSize(signed.into()),
    };
    DecodeError::new(kind, offset)
}
