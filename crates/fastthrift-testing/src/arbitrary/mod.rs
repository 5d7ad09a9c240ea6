//! Arbitrary schemas, values and wire trees, each a function of some bytes.
//!
//! The bytes are choices: a property test draws them, and shrinks them; a fuzzer mutates them. Fewer and smaller bytes
//! give smaller results, and every sequence of bytes gives one.

mod choices;
mod schema;
mod tree;
mod value;

pub use choices::Choices;
pub use schema::schema;
pub use tree::{struct_tree, tree};
pub use value::value;
