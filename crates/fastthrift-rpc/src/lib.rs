//! One Thrift connection as a state machine without IO.
