//! Python: what IDL names and types are called there.

pub mod names;

mod annotations;

pub use annotations::Annotations;
