//! Messages in the form in which a carrier carries them, made by other code than the connections'.

use flate2::{Compress, Compression, FlushCompress, Status};

/// One compressed stream of these messages, flushed after each.
///
/// # Panics
/// When they are larger than a test's messages are.
pub fn deflated<'a>(messages: impl IntoIterator<Item = &'a [u8]>, flush: FlushCompress) -> Vec<u8> {
    let mut stream = Compress::new(Compression::best(), true);
    let mut out = Vec::new();
    for message in messages {
        let mut taken = 0;
        loop {
            out.reserve(message.len() + 1024);
            let before = stream.total_in();
            stream.compress_vec(&message[taken..], &mut out, flush).expect("the stream is not at its end");
            taken += usize::try_from(stream.total_in() - before).expect("a message is in memory");
            if taken == message.len() && out.len() < out.capacity() {
                break;
            }
        }
    }
    out
}

/// One compressed stream of these bytes that is not flushed before its end.
///
/// # Panics
/// When they are larger than a test's messages are.
pub fn deflated_to_the_end(messages: &[u8]) -> Vec<u8> {
    let mut stream = Compress::new(Compression::fast(), true);
    let mut out = Vec::with_capacity(2 * messages.len() + 1024);
    let status = stream.compress_vec(messages, &mut out, FlushCompress::Finish).expect("the stream is new");
    assert_eq!(status, Status::StreamEnd);
    out
}
