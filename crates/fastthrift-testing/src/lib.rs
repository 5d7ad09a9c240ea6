//! Fixtures, connection pairs, arbitrary schemas and values for the project's tests.

pub mod carried;
pub mod connections;
pub mod conversation;
pub mod drivers;
pub mod packing;
mod pair;

pub use pair::Pair;

pub mod arbitrary;
pub mod codec;
pub mod simple_json;
mod tree;
pub mod values;

pub use tree::Tree;
