//! What users give as options. Each kind is read in one place, so that each mistake is told in the same words: what is of another type
//! is a `TypeError`, what cannot be is a `ValueError`, and either says which option it is, what can be, and what came.
#![expect(clippy::needless_pass_by_value, reason = "Python passes it so")]

use std::convert::Infallible;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use pyo3::PyClass;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};

use crate::interceptors::is_coroutine_function;

/// The largest number that any setting may have: what Python calls `sys.maxsize`.
const MAX_NUMBER: usize = usize::MAX >> 1;

/// The longest time of any setting, some fifty years: so long, nobody waits, and clocks and event loops can still count it.
const LONGEST: Duration = Duration::from_hours(50 * 365 * 24);

/// How much of a value an error shows.
const SHOWN: usize = 40;

/// About how long an error is at most.
const MOST_SAID: usize = 280;

/// A number such as that of seconds. An int that no float can hold counts as infinite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) f64);

/// An argument as it came, for one whose default is not None: it is read where its name is known.
pub(crate) struct Given<'py>(Option<Bound<'py, PyAny>>);

/// What is wrong with a value, without the name of the option.
enum Wrong {
    Type(String),
    Value(String),
    /// What its own code raised.
    Raised(PyErr),
}

impl Wrong {
    fn named(self, name: &str) -> PyErr {
        match self {
            Self::Type(text) => PyTypeError::new_err(format!("{name} {text}")),
            Self::Value(text) => PyValueError::new_err(format!("{name} {text}")),
            Self::Raised(error) => error,
        }
    }
}

impl fmt::Display for Number {
    /// As Python writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_nan() { f.write_str("nan") } else { self.0.fmt(f) }
    }
}

impl<'py> Given<'py> {
    /// The default of a signature.
    pub(crate) const NOTHING: Self = Self(None);

    /// What a reader makes of it, or the default where it was left out.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        default: T,
        reader: impl FnOnce(&str, &Bound<'py, PyAny>) -> PyResult<T>,
    ) -> PyResult<T> {
        self.0.as_ref().map_or(Ok(default), |given| reader(name, given))
    }

    /// What a reader makes of it; `None` where it was left out.
    pub(crate) fn read_if_any<T>(
        &self,
        name: &str,
        reader: impl FnOnce(&str, &Bound<'py, PyAny>) -> PyResult<T>,
    ) -> PyResult<Option<T>> {
        self.0.as_ref().map(|given| reader(name, given)).transpose()
    }

    /// A number, or the default where it was left out.
    pub(crate) fn number(&self, name: &str, default: f64) -> PyResult<Number> {
        self.read(name, Number(default), number)
    }
}

impl<'py> FromPyObject<'_, 'py> for Given<'py> {
    type Error = Infallible;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> Result<Self, Infallible> {
        Ok(Self(Some(given.to_owned())))
    }
}

/// A number; an int that no float can hold is infinite.
pub(crate) fn number(name: &str, given: &Bound<'_, PyAny>) -> PyResult<Number> {
    read_number(given).map(Number).map_err(|wrong| wrong.named(name))
}

/// A number of at least 1.
pub(crate) fn count(name: &str, given: &Bound<'_, PyAny>) -> PyResult<usize> {
    within(name, given, 1..=MAX_NUMBER)
}

/// A whole number between two others.
pub(crate) fn within(name: &str, given: &Bound<'_, PyAny>, range: RangeInclusive<usize>) -> PyResult<usize> {
    read_whole(given, range).map_err(|wrong| wrong.named(name))
}

/// A number of seconds that is not 0.
pub(crate) fn positive(name: &str, seconds: Number) -> PyResult<Duration> {
    match Duration::try_from_secs_f64(seconds.0) {
        Ok(duration) if !duration.is_zero() => Ok(duration.min(LONGEST)),
        _ => Err(PyValueError::new_err(format!("{name} must be a positive number of seconds, got {seconds}"))),
    }
}

/// The same, or None.
pub(crate) fn time_limit(name: &str, given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Duration>> {
    given.map(|given| positive(name, number(name, given)?)).transpose()
}

/// A number of seconds that may be 0.
pub(crate) fn not_negative(name: &str, seconds: Number) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds.0).map(|duration| duration.min(LONGEST)).map_err(|_| {
        PyValueError::new_err(format!("{name} must be a number of seconds that is not negative, got {seconds}"))
    })
}

/// True or False; much else is true whatever it stands for.
pub(crate) fn flag(name: &str, given: &Bound<'_, PyAny>) -> PyResult<bool> {
    let found = given.cast::<PyBool>().map(PyBoolMethods::is_true);
    found.map_err(|_| PyTypeError::new_err(format!("{name} must be True or False, got {}", shown(given))))
}

/// A text.
pub(crate) fn text(name: &str, given: &Bound<'_, PyAny>) -> PyResult<String> {
    text_in(name, given).map(str::to_owned)
}

/// The same where it is.
fn text_in<'a>(name: &str, given: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
    match given.cast::<PyString>() {
        Ok(text) => text.to_str(),
        Err(_) => Err(PyTypeError::new_err(format!("{name} must be a str, got {}", shown(given)))),
    }
}

/// The path of a file or a folder.
pub(crate) fn path(name: &str, given: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    given.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyTypeError>(given.py()) {
            PyTypeError::new_err(format!("{name} must be a str or a path, got {}", shown(given)))
        } else {
            error
        }
    })
}

/// What a reader makes of an argument that may be None.
pub(crate) fn optional<'a, 'py, T>(
    name: &str,
    given: Option<&'a Bound<'py, PyAny>>,
    reader: impl FnOnce(&str, &'a Bound<'py, PyAny>) -> PyResult<T>,
) -> PyResult<Option<T>> {
    given.map(|given| reader(name, given)).transpose()
}

/// What can be called, and is no coroutine function, since nobody would await what that returns.
pub(crate) fn plain_function(name: &str, given: &Bound<'_, PyAny>) -> PyResult<()> {
    if !given.is_callable() {
        return Err(PyTypeError::new_err(format!("{name} must be a function, got {}", shown(given))));
    }
    if is_coroutine_function(given) {
        let text = format!("{name} must be a plain function, got the coroutine function {}", shown(given));
        return Err(PyTypeError::new_err(text));
    }
    Ok(())
}

/// What one of these names stands for.
pub(crate) fn choice<T: Copy>(option: &str, choices: &[(&str, T)], given: &Bound<'_, PyAny>) -> PyResult<T> {
    let name = text_in(option, given)?;
    let found = choices.iter().find(|(choice, _)| *choice == name);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(choice, _)| format!("'{choice}'")).collect();
        refused(&format!("{option} must be one of {}, got {name:?}", names.join(", ")))
    })
}

/// A `ValueError` that says this; of one that repeats a long text, the middle is left out.
pub(crate) fn refused(text: &(impl ToString + ?Sized)) -> PyErr {
    let text = text.to_string();
    if text.len() <= MOST_SAID {
        return PyValueError::new_err(text);
    }
    let (start, end) = (text.floor_char_boundary(MOST_SAID / 2), text.ceil_char_boundary(text.len() - MOST_SAID / 2));
    PyValueError::new_err(format!("{}...{}", &text[..start], &text[end..]))
}

/// An object of one of the package's classes, or None.
pub(crate) fn object_of<'a, 'py, T: PyClass>(
    name: &str,
    given: Option<&'a Bound<'py, PyAny>>,
) -> PyResult<Option<&'a Bound<'py, T>>> {
    let Some(given) = given else { return Ok(None) };
    given.cast::<T>().map(Some).map_err(|_| {
        PyTypeError::new_err(format!("{name} must be a fastthrift.{} or None, got {}", T::NAME, shown(given)))
    })
}

/// What a user gave, for an error; only its start where it is long.
pub(crate) fn shown(given: &Bound<'_, PyAny>) -> String {
    let Ok(text) = given.repr() else { return format!("one of type {}", given.get_type()) };
    let text = text.to_string_lossy();
    match text.char_indices().nth(SHOWN) {
        None => text.into_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

fn read_number(given: &Bound<'_, PyAny>) -> Result<f64, Wrong> {
    let wrong = || Wrong::Type(format!("must be a number, got {}", shown(given)));
    if given.is_instance_of::<PyBool>() {
        return Err(wrong());
    }
    let error = match given.extract::<f64>() {
        Ok(number) => return Ok(number),
        Err(error) => error,
    };
    if error.is_instance_of::<PyOverflowError>(given.py()) {
        let is_negative = given.lt(0).map_err(Wrong::Raised)?;
        return Ok(if is_negative { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    Err(if error.is_instance_of::<PyTypeError>(given.py()) { wrong() } else { Wrong::Raised(error) })
}

fn read_whole(given: &Bound<'_, PyAny>, range: RangeInclusive<usize>) -> Result<usize, Wrong> {
    let (py, wrong) = (given.py(), || Wrong::Type(format!("must be an int, got {}", shown(given))));
    if given.is_instance_of::<PyBool>() {
        return Err(wrong());
    }
    match given.extract::<usize>() {
        Ok(number) if range.contains(&number) => Ok(number),
        Err(error) if error.is_instance_of::<PyTypeError>(py) => Err(wrong()),
        Err(error) if !error.is_instance_of::<PyOverflowError>(py) => Err(Wrong::Raised(error)),
        Ok(_) | Err(_) => {
            let text = format!("must be from {} to {}, got {}", range.start(), range.end(), shown(given));
            Err(Wrong::Value(text))
        }
    }
}

/// Return a number as a float, infinity for an int that no float can hold.
#[pyfunction]
fn given_number(name: &str, given: Bound<'_, PyAny>) -> PyResult<f64> {
    number(name, &given).map(|number| number.0)
}

/// Return True or False as it is.
#[pyfunction]
fn given_flag(name: &str, given: Bound<'_, PyAny>) -> PyResult<bool> {
    flag(name, &given)
}

/// Return a str as it is.
#[pyfunction]
fn given_text(name: &str, given: Bound<'_, PyAny>) -> PyResult<String> {
    text(name, &given)
}

/// Return the path of a file or a folder.
#[pyfunction]
fn given_path(name: &str, given: Bound<'_, PyAny>) -> PyResult<PathBuf> {
    path(name, &given)
}

/// Return a function that is no coroutine function as it is.
#[pyfunction]
fn given_function<'py>(name: &str, given: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    plain_function(name, &given)?;
    Ok(given)
}

/// Adds what the package's Python checks its own options with.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(given_number, module)?)?;
    module.add_function(wrap_pyfunction!(given_flag, module)?)?;
    module.add_function(wrap_pyfunction!(given_text, module)?)?;
    module.add_function(wrap_pyfunction!(given_path, module)?)?;
    module.add_function(wrap_pyfunction!(given_function, module)?)
}
