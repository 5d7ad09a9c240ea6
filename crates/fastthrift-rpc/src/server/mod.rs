mod connection;
mod open_requests;
mod receiving;
mod reply_writer;
mod request;
mod usual;

pub use connection::ServerConnection;
pub use reply_writer::ReplyWriter;
pub use request::{Request, RequestId};
