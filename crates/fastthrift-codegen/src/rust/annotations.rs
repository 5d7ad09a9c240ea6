//! What annotations say to this generator. All their keys begin with `rust.`.

use fastthrift_schema::Annotation;

use super::ident::possible;

/// The last value of `rust.<key>`.
pub(super) fn value<'a>(annotations: &'a [Annotation], key: &str) -> Option<&'a str> {
    values(annotations, key).next_back()
}

/// The name that `rust.name` says, as near to it as a name of Rust can be.
pub(super) fn name(annotations: &[Annotation]) -> Option<String> {
    value(annotations, "name").map(possible)
}

/// Every value of `rust.<key>`, in order.
pub(super) fn values<'a>(annotations: &'a [Annotation], key: &str) -> impl DoubleEndedIterator<Item = &'a str> {
    let is_key = move |annotation: &&Annotation| annotation.key.strip_prefix("rust.") == Some(key);
    annotations.iter().filter(is_key).map(|annotation| &*annotation.value)
}

/// Whether `rust.<key>` is there: `None` when it is not, and false when it says `false`.
pub(super) fn flag(annotations: &[Annotation], key: &str) -> Option<bool> {
    value(annotations, key).map(|value| !matches!(value, "false" | "0"))
}
