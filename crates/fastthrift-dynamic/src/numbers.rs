use fastthrift_protocol::{InputProtocol, OutputProtocol, RunError};

use crate::TypePlan;

/// Numbers of one type that stand side by side.
#[derive(Debug, Clone, Copy)]
pub enum Numbers<'a> {
    /// `bool`
    Bool(&'a [bool]),
    /// `i8`
    I8(&'a [i8]),
    /// `i16`
    I16(&'a [i16]),
    /// `i32`
    I32(&'a [i32]),
    /// `i64`
    I64(&'a [i64]),
    /// `double`
    Double(&'a [f64]),
}

/// Places for numbers of one type, side by side.
#[derive(Debug)]
pub enum NumbersMut<'a> {
    /// `bool`
    Bool(&'a mut [bool]),
    /// `i8`
    I8(&'a mut [i8]),
    /// `i16`
    I16(&'a mut [i16]),
    /// `i32`
    I32(&'a mut [i32]),
    /// `i64`
    I64(&'a mut [i64]),
    /// `double`
    Double(&'a mut [f64]),
}

/// Whether a list of this type can be a run of numbers. Enums are not among them: their values are not plain numbers to users.
pub const fn is_number(ty: &TypePlan) -> bool {
    use TypePlan::{Bool, Double, I8, I16, I32, I64};
    matches!(ty, Bool | I8 | I16 | I32 | I64 | Double)
}

impl Numbers<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Bool(numbers) => numbers.len(),
            Self::I8(numbers) => numbers.len(),
            Self::I16(numbers) => numbers.len(),
            Self::I32(numbers) => numbers.len(),
            Self::I64(numbers) => numbers.len(),
            Self::Double(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes all of them as elements.
    #[inline]
    pub(crate) fn write(self, output: &mut impl OutputProtocol) {
        match self {
            Self::Bool(numbers) => output.write_bools(numbers),
            Self::I8(numbers) => output.write_i8s(numbers),
            Self::I16(numbers) => output.write_i16s(numbers),
            Self::I32(numbers) => output.write_i32s(numbers),
            Self::I64(numbers) => output.write_i64s(numbers),
            Self::Double(numbers) => output.write_doubles(numbers),
        }
    }
}

impl NumbersMut<'_> {
    /// How many places there are.
    pub fn len(&self) -> usize {
        self.as_numbers().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What stands in the places.
    pub fn as_numbers(&self) -> Numbers<'_> {
        match self {
            Self::Bool(places) => Numbers::Bool(places),
            Self::I8(places) => Numbers::I8(places),
            Self::I16(places) => Numbers::I16(places),
            Self::I32(places) => Numbers::I32(places),
            Self::I64(places) => Numbers::I64(places),
            Self::Double(places) => Numbers::Double(places),
        }
    }

    /// Reads elements into all of them.
    #[inline]
    pub(crate) fn read<'de>(&mut self, input: &mut impl InputProtocol<'de>) -> Result<(), RunError> {
        match self {
            Self::Bool(places) => input.read_bools(places),
            Self::I8(places) => input.read_i8s(places),
            Self::I16(places) => input.read_i16s(places),
            Self::I32(places) => input.read_i32s(places),
            Self::I64(places) => input.read_i64s(places),
            Self::Double(places) => input.read_doubles(places),
        }
    }
}

/// How many numbers are on their way between a value and the wire at once.
pub(crate) const BATCH: usize = 128;
/// From how many numbers on a list is read and written in batches.
pub(crate) const RUN: usize = 16;

/// A number that lists hold.
pub(crate) trait Number: Copy + Default {
    /// Places for numbers of this type.
    fn places(places: &mut [Self]) -> NumbersMut<'_>;
}

macro_rules! numbers {
    ($($variant:ident: $type:ty),*) => {$(
        impl Number for $type {
            #[inline]
            fn places(places: &mut [Self]) -> NumbersMut<'_> {
                NumbersMut::$variant(places)
            }
        }
    )*};
}

numbers!(Bool: bool, I8: i8, I16: i16, I32: i32, I64: i64, Double: f64);
