//! Bodies of messages that came, and how values are read from them.

use fastthrift_protocol::{BinaryReader, CompactReader, DecodeError, Limits, Protocol};

use crate::codec::{self, DecodeOwned};

/// From how many bytes on values of type `Bytes` and `Text` share the memory of the body that they came in. Below, a copy costs
/// little, and keeps no more memory than it needs.
#[cfg(feature = "bytes")]
const SHARED_FROM: usize = 16 << 10;

/// A body as it came.
#[derive(Debug)]
pub(crate) enum Body {
    Own(Vec<u8>),
    /// One whose memory can be shared.
    #[cfg(feature = "bytes")]
    Shared(bytes::Bytes),
}

/// What a value is read from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    Slice(&'a [u8]),
    #[cfg(feature = "bytes")]
    Shared(&'a bytes::Bytes),
}

impl Body {
    #[inline]
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        #[cfg(feature = "bytes")]
        if bytes.len() >= SHARED_FROM {
            return Self::Shared(bytes.into());
        }
        Self::Own(bytes)
    }

    /// The end of this memory, from `start` on.
    pub(crate) fn part(memory: Vec<u8>, start: usize) -> Self {
        #[cfg(feature = "bytes")]
        return Self::Shared(bytes::Bytes::from(memory).slice(start..));
        #[cfg(not(feature = "bytes"))]
        {
            let mut memory = memory;
            memory.drain(..start);
            Self::Own(memory)
        }
    }

    /// The body alone, without a copy where nobody shares it and it is the whole of its memory.
    pub(crate) fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Own(bytes) => bytes,
            #[cfg(feature = "bytes")]
            Self::Shared(bytes) => bytes.into(),
        }
    }

    #[inline]
    pub(crate) fn source(&self) -> Source<'_> {
        match self {
            Self::Own(bytes) => Source::Slice(bytes),
            #[cfg(feature = "bytes")]
            Self::Shared(bytes) => Source::Shared(bytes),
        }
    }

    /// A buffer without content, which has the memory of this where nobody shares it.
    #[inline]
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        match self {
            Self::Own(mut bytes) => {
                bytes.clear();
                bytes
            }
            #[cfg(feature = "bytes")]
            Self::Shared(_) => Vec::new(),
        }
    }
}

impl<'a> Source<'a> {
    #[inline]
    pub(crate) fn bytes(self) -> &'a [u8] {
        match self {
            Self::Slice(bytes) => bytes,
            #[cfg(feature = "bytes")]
            Self::Shared(bytes) => bytes,
        }
    }

    /// Reads a value from its start, and says how many bytes it took.
    pub(crate) fn decode<T: DecodeOwned>(self, protocol: Protocol, limits: Limits) -> Result<(T, usize), DecodeError> {
        match protocol {
            Protocol::Binary => codec::decode(match self {
                Self::Slice(bytes) => BinaryReader::new(bytes, limits),
                #[cfg(feature = "bytes")]
                Self::Shared(bytes) => BinaryReader::shared(bytes, limits),
            }),
            Protocol::Compact => codec::decode(match self {
                Self::Slice(bytes) => CompactReader::new(bytes, limits),
                #[cfg(feature = "bytes")]
                Self::Shared(bytes) => CompactReader::shared(bytes, limits),
            }),
            Protocol::Json | Protocol::SimpleJson => codec::decode_prefix(protocol, self.bytes(), limits),
        }
    }
}

#[cfg(all(test, feature = "bytes"))]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn bytes_share_the_memory_of_a_large_body_alone() {
        for (len, is_shared) in [(SHARED_FROM - 5, false), (SHARED_FROM, true)] {
            for protocol in [Protocol::Binary, Protocol::Compact] {
                let body = Body::new(codec::to_vec(protocol, &Bytes::from(vec![7; len])).unwrap());
                let (value, end) = body.source().decode::<Bytes>(protocol, Limits::DEFAULT).unwrap();
                assert_eq!((value.len(), end), (len, body.source().bytes().len()));
                assert_eq!(body.source().bytes().as_ptr_range().contains(&value.as_ptr()), is_shared);
                assert_eq!(body.into_buffer().capacity() == 0, is_shared);
            }
        }
    }
}
