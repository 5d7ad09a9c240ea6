use std::ffi::CStr;

use fastthrift_dynamic::TypePlan;

/// A type of number that arrays hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    Bool,
    I8,
    I16,
    I32,
    I64,
    Double,
}

impl Element {
    /// All of them, in their order.
    pub(super) const ALL: [Self; 6] = [Self::Bool, Self::I8, Self::I16, Self::I32, Self::I64, Self::Double];

    /// The one of a type whose lists can be arrays.
    #[inline]
    pub(crate) fn of(ty: &TypePlan) -> Option<Self> {
        Some(match ty {
            TypePlan::Bool => Self::Bool,
            TypePlan::I8 => Self::I8,
            TypePlan::I16 => Self::I16,
            TypePlan::I32 => Self::I32,
            TypePlan::I64 => Self::I64,
            TypePlan::Double => Self::Double,
            _ => return None,
        })
    }

    /// How many bytes one takes.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 => 4,
            Self::I64 | Self::Double => 8,
        }
    }

    /// The format of a memoryview, as the module `struct` writes it.
    pub(super) fn format(self) -> &'static str {
        match self {
            Self::Bool => "?",
            Self::I8 => "b",
            Self::I16 => "h",
            Self::I32 => "i",
            Self::I64 => "q",
            Self::Double => "d",
        }
    }

    /// The type code of the module `array`, which knows no `bool`: there it is a byte of 0 or 1.
    pub(super) fn type_code(self) -> &'static str {
        match self {
            Self::Bool => "b",
            other => other.format(),
        }
    }

    /// The name of numpy's type.
    pub(super) fn dtype(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "int8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::Double => "float64",
        }
    }

    /// Whether memory of this format, whose elements are as large as said, holds such numbers; if so, whether their bytes stand in the
    /// other order than this machine's. The format is that of the module `struct`: an order, if not the machine's, and a letter.
    pub(super) fn matches(self, format: &CStr, item_size: usize) -> Option<bool> {
        let (is_little, letter) = match format.to_bytes() {
            [b'@' | b'=', letter] | [letter] => (cfg!(target_endian = "little"), letter),
            [b'<', letter] => (true, letter),
            [b'>' | b'!', letter] => (false, letter),
            _ => return None,
        };
        let is_same = match self {
            Self::Bool => matches!(letter, b'?' | b'b'),
            Self::I8 | Self::I16 | Self::I32 | Self::I64 => matches!(letter, b'b' | b'h' | b'i' | b'l' | b'q' | b'n'),
            Self::Double => *letter == b'd',
        };
        let is_foreign = is_little != cfg!(target_endian = "little") && item_size > 1;
        (is_same && item_size == self.size()).then_some(is_foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::Element::{Bool, Double, I8, I32, I64};

    #[test]
    fn a_format_is_told_by_its_letter_its_size_and_its_order() {
        let is_little = cfg!(target_endian = "little");
        assert_eq!(Double.matches(c"d", 8), Some(false));
        assert_eq!(Double.matches(c"<d", 8), Some(!is_little));
        assert_eq!(Double.matches(c">d", 8), Some(is_little));
        assert_eq!(I64.matches(c"l", 8), Some(false));
        assert_eq!(I32.matches(c"l", 4), Some(false));
        assert_eq!(I8.matches(c">b", 1), Some(false));
        assert_eq!(Bool.matches(c"?", 1), Some(false));
    }

    #[test]
    fn other_formats_do_not_match() {
        for (element, format, size) in [
            (Double, c"f", 4),
            (Double, c"q", 8),
            (I64, c"d", 8),
            (I64, c"Q", 8),
            (I64, c"l", 4),
            (I8, c"B", 1),
            (I8, c"?", 1),
            (Bool, c"B", 1),
            (I32, c"", 4),
            (I32, c"2i", 4),
            (Double, c"Zd", 16),
        ] {
            assert_eq!(element.matches(format, size), None, "{element:?} {format:?}");
        }
    }
}
