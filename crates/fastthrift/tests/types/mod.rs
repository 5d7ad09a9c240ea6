//! Types as generated code has them, written by hand: one of each shape.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "no test uses all of what others would export")]

mod book;
mod small;
mod special;

pub use book::{Book, BookRef, Person, PersonRef, Phone, PhoneRef};
pub use small::{Small, SmallRef};
pub use special::{Choice, Color, Empty, Keeper, Node, Oops, Strict};
