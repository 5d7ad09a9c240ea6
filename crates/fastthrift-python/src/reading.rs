//! Reads structs from Python's buffers, as the options of a call say.

use std::sync::Arc;

use fastthrift_dynamic::StructPlan;
use pyo3::prelude::*;

use crate::arrays::Kind;
use crate::given::{choice, within};
use crate::object::{Object, Ref, borrowed, held};
use crate::protocols::settings_of;
use crate::selection::selected;
use crate::settings::{Blobs, Settings};
use crate::source::Source;
use crate::target::Target;

/// How many bytes of a changing buffer are copied at first where one struct is expected to be all that it holds.
pub(crate) const WHOLE: usize = 16 << 20;
/// The same where other things may follow the struct.
pub(crate) const PART: usize = 4 << 10;

/// What to read, and how.
pub(crate) struct Reading {
    pub(crate) settings: Settings,
    /// The plan of the fields that are wanted, where that is not all of them.
    pub(crate) selected: Option<Arc<StructPlan>>,
}

impl Reading {
    /// Takes the arguments of a call: the protocol, and the options `fields`, `arrays` and `binary`.
    #[inline]
    pub(crate) fn new(target: &Target<'_>, protocol: Option<Ref>, options: [Option<Ref>; 3]) -> PyResult<Self> {
        let settings = settings_of(protocol)?;
        match options {
            [None, None, None] => Ok(Self { settings, selected: None }),
            options => Self::with_options(target, settings, options),
        }
    }

    fn with_options(target: &Target<'_>, settings: Settings, options: [Option<Ref>; 3]) -> PyResult<Self> {
        let [fields, arrays, binary] = options;
        let arrays = arrays.map_or(Ok(None), |value| chosen("arrays", &ARRAYS, value))?;
        let binary = binary.map_or(Ok(Blobs::Bytes), |value| chosen("binary", &BLOBS, value))?;
        let arrays = arrays.map(|kind| kind.maker(held())).transpose()?;
        let settings = Settings { arrays, binary, ..settings };
        let selected = match fields {
            Some(fields) => selected(target.registry.get(), target.id, fields)?,
            None => None,
        };
        Ok(Self { settings, selected })
    }

    /// Reads the struct that starts at `from`, and says how many bytes it took; for `window`, see [`Source::read`].
    #[inline]
    pub(crate) fn read(
        &self,
        target: &Target<'_>,
        source: &Source,
        from: usize,
        window: usize,
    ) -> PyResult<(Object, usize)> {
        let plan = self.selected.as_deref().unwrap_or_else(|| target.plan());
        source.check(&self.settings)?;
        let read = source.read(from, window, &self.settings, |bytes| {
            let views = source.views(&self.settings, from, bytes)?;
            target.decode(plan, &self.settings, views, bytes)
        });
        read?.map_err(|error| target.decode_error(error))
    }
}

const ARRAYS: [(&str, Option<Kind>); 4] = [
    ("list", None),
    ("numpy", Some(Kind::Numpy)),
    ("array", Some(Kind::Array)),
    ("memoryview", Some(Kind::MemoryView)),
];
const BLOBS: [(&str, Blobs); 2] = [("bytes", Blobs::Bytes), ("memoryview", Blobs::Views)];

/// What an option's value, one of these names, stands for.
fn chosen<T: Copy>(option: &str, choices: &[(&str, T)], value: Ref) -> PyResult<T> {
    choice(option, choices, &borrowed(held(), value))
}

/// An offset into a buffer, which may be its end; 0 where none was given.
pub(crate) fn offset_in(value: Option<Ref>, len: usize) -> PyResult<usize> {
    let Some(value) = value else { return Ok(0) };
    within("offset", &borrowed(held(), value), 0..=len)
}
