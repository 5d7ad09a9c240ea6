use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// One step from the outermost value to the place of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    /// Into the field of this name.
    Field(Box<str>),
    /// Into the element at this place of a list or set.
    Index(usize),
    /// Into the key of the entry at this place of a map.
    Key(usize),
    /// Into the value of the entry at this place of a map.
    Value(usize),
}

/// The way from the outermost value to the place of an error, as errors keep it.
///
/// Shown, it is what stands before the rest of a message, such as `orders[3].price: `; nothing where the place is the value itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path {
    /// The innermost first: an error learns of them on its way out.
    steps: Vec<PathStep>,
}

impl Path {
    /// A way of no step.
    pub const fn new() -> Self {
        Self { steps: Vec::new() }
    }

    /// The steps, the outermost first.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &PathStep> {
        self.steps.iter().rev()
    }

    /// Says that the way so far begins inside `step` of a surrounding value.
    pub fn begin_within(&mut self, step: PathStep) {
        self.steps.push(step);
    }
}

impl fmt::Display for PathStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(index) => write!(f, "[key {index}]"),
            Self::Value(index) => write!(f, "[value {index}]"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = self.steps();
        match steps.next() {
            None => return Ok(()),
            Some(PathStep::Field(name)) => f.write_str(name)?,
            Some(step) => step.fmt(f)?,
        }
        steps.try_for_each(|step| step.fmt(f))?;
        f.write_str(": ")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_path_is_shown_from_the_outermost_step_to_the_innermost() {
        let mut path = Path::new();
        assert_eq!(path.to_string(), "");
        path.begin_within(PathStep::Field("price".into()));
        assert_eq!(path.to_string(), "price: ");
        path.begin_within(PathStep::Index(3));
        assert_eq!(path.to_string(), "[3].price: ");
        path.begin_within(PathStep::Value(1));
        path.begin_within(PathStep::Key(0));
        path.begin_within(PathStep::Field("orders".into()));
        assert_eq!(path.to_string(), "orders[key 0][value 1][3].price: ");
        assert_eq!(path.steps().next(), Some(&PathStep::Field("orders".into())));
    }
}
