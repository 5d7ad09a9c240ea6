mod call_writer;
mod connection;
mod event;
mod in_flight;
mod large;
mod options;
mod receiving;
mod usual;

pub use call_writer::CallWriter;
pub use connection::ClientConnection;
pub use event::{CallId, ClientEvent, ReplyBody};
pub use large::LargeMessage;
pub use options::CallOptions;
