use bumpalo::Bump;

use crate::cursor::error;
use crate::{DecodeError, DecodeErrorKind};

/// Where a JSON reader puts text that it unescapes and base64 that it decodes; made before the reader, so that what is read
/// can outlive it.
///
/// It takes no memory until something is put there, and gives all back when it is dropped. What comes of one input takes
/// never more than that input's length, apart from rounding.
#[derive(Debug, Default)]
pub struct Scratch(Bump);

impl Scratch {
    /// An empty one.
    #[inline]
    pub fn new() -> Self {
        Self(Bump::new())
    }

    /// So many zero bytes; `offset` is where the input asks for them.
    pub(super) fn bytes(&self, len: usize, offset: usize) -> Result<&mut [u8], DecodeError> {
        let bytes = self.0.try_alloc_slice_fill_copy(len, 0);
        bytes.map_err(|_| error(DecodeErrorKind::Invalid("there is no memory for unescaped text".into()), offset))
    }
}
