use fastthrift_protocol::{Detection, Protocol};

use crate::framing::{FRAME_HEADER, frame_size};
use crate::{ConnectionErrorKind, Dialect, Framing};

/// The longest name of an old Binary message that is still told from a frame: its length's first byte is 0.
const OLD_NAME_LIMIT: u32 = 1 << 16;

/// What a server's side knows of its peer before the first byte.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Accepted {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) framing: Option<Framing>,
    /// Bytes of one frame.
    pub(crate) frame_limit: usize,
}

/// The dialect of a peer whose first bytes these are, or `None` when more are needed: never more than 6, or 24 where JSON or
/// `SimpleJSON` starts with whitespace.
///
/// In this order: an unframed message that is strict Binary, Compact, JSON or `SimpleJSON`, a frame around one of these, the Header
/// transport, and then the old Binary messages, which start with the length of a name: in a frame that length's first
/// byte is 0, where an unframed one has the first letter of the name.
pub(crate) fn detect(bytes: &[u8], accepted: Accepted) -> Result<Option<Dialect>, ConnectionErrorKind> {
    if let Accepted { protocol: Some(protocol), framing: Some(framing), .. } = accepted {
        return Ok(Some(Dialect { protocol, framing }));
    }
    let Some(found) = find(bytes, accepted)? else { return Ok(None) };
    let expected = Dialect {
        protocol: accepted.protocol.unwrap_or(found.protocol),
        framing: accepted.framing.unwrap_or(found.framing),
    };
    if found == expected { Ok(Some(found)) } else { Err(ConnectionErrorKind::OtherDialect { expected, found }) }
}

fn find(bytes: &[u8], accepted: Accepted) -> Result<Option<Dialect>, ConnectionErrorKind> {
    let dialect = |protocol, framing| Ok(Some(Dialect { protocol, framing }));
    let Some(first_word) = bytes.first_chunk::<FRAME_HEADER>() else { return Ok(None) };
    if matches!(accepted.framing, None | Some(Framing::Unframed)) {
        match fastthrift_protocol::detect(bytes) {
            Detection::Message(protocol) => return dialect(protocol, Framing::Unframed),
            Detection::NeedMore => return Ok(None),
            _ => {}
        }
    }
    let size = frame_size(*first_word, accepted.frame_limit);
    if !may_be_old_name(*first_word) {
        // A frame that cannot be is refused before anything of it is waited for.
        size.clone()?;
    }
    let inside = bytes.get(FRAME_HEADER..).unwrap_or_default();
    match (fastthrift_protocol::detect(inside), inside) {
        (Detection::NeedMore, _) | (_, [] | [_]) => Ok(None),
        (Detection::Message(protocol), _) => size.and_then(|_| dialect(protocol, Framing::Framed)),
        (_, [0x0f, 0xff, ..]) => {
            // Each frame says its own protocol, behind what is looked at here.
            size.and_then(|_| dialect(accepted.protocol.unwrap_or(Protocol::Binary), Framing::Header))
        }
        (_, [0, ..]) => size.and_then(|_| dialect(Protocol::Binary, Framing::Framed)),
        (_, [letter, ..]) if letter.is_ascii_graphic() && may_be_old_name(*first_word) => {
            dialect(Protocol::Binary, Framing::Unframed)
        }
        _ => size.and(Err(ConnectionErrorKind::UnknownDialect(*first_word))),
    }
}

/// Whether this can be the length of the name that an old Binary message starts with.
fn may_be_old_name(word: [u8; FRAME_HEADER]) -> bool {
    (1..=OLD_NAME_LIMIT).contains(&u32::from_be_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Accepted = Accepted { protocol: None, framing: None, frame_limit: 1 << 20 };

    fn found(bytes: &[u8]) -> Option<(Protocol, Framing)> {
        detect(bytes, ANY).unwrap().map(|dialect| (dialect.protocol, dialect.framing))
    }

    #[test]
    fn each_dialect_is_told_by_its_first_bytes() {
        assert_eq!(found(b"\x80\x01\0\x01"), Some((Protocol::Binary, Framing::Unframed)));
        assert_eq!(found(b"\x82\x21\x01\x04"), Some((Protocol::Compact, Framing::Unframed)));
        assert_eq!(found(b"[1,\"ping\""), Some((Protocol::Json, Framing::Unframed)));
        assert_eq!(found(b"[ \n\t 1"), Some((Protocol::Json, Framing::Unframed)));
        assert_eq!(found(b"[\"ping\",1"), Some((Protocol::SimpleJson, Framing::Unframed)));
        assert_eq!(found(b"\0\0\0\x30[\""), Some((Protocol::SimpleJson, Framing::Framed)));
        assert_eq!(found(b"\0\0\0\x30[1"), Some((Protocol::Json, Framing::Framed)));
        assert_eq!(found(b"\0\0\0\x30[ 1"), Some((Protocol::Json, Framing::Framed)));
        assert_eq!(found(b"\0\0\0\x30\x80\x01"), Some((Protocol::Binary, Framing::Framed)));
        assert_eq!(found(b"\0\0\0\x30\x82\x81"), Some((Protocol::Compact, Framing::Framed)));
        assert_eq!(found(b"\0\0\0\x30\0\0\0\x04ping\x01"), Some((Protocol::Binary, Framing::Framed)));
        assert_eq!(found(b"\0\0\0\x04ping\x01"), Some((Protocol::Binary, Framing::Unframed)));
        assert_eq!(found(b"\0\0\0\x30\x0f\xff\0\0"), Some((Protocol::Binary, Framing::Header)));
    }

    #[test]
    fn a_prefix_waits_for_more() {
        for bytes in [&b"\x80\x01\0\x01"[..], b"\0\0\0\x30\x82\x81", b"\0\0\0\x04ping"] {
            for len in 0..4 {
                assert_eq!(found(&bytes[..len]), None);
            }
        }
        assert_eq!(found(b"\0\0\0\x30\x80"), None);
        assert_eq!(found(b"[ \n\t "), None);
        assert_eq!(found(b"\0\0\0\x30[ "), None);
    }

    #[test]
    fn other_protocols_are_refused_with_what_came() {
        let http = detect(b"GET / HT", ANY).unwrap_err();
        assert_eq!(http, ConnectionErrorKind::FrameTooLarge { size: 0x4745_5420, limit: 1 << 20 });
        assert_eq!(detect(b"\0\0\0\0\0\0", ANY), Err(ConnectionErrorKind::FrameLength(0)));
        assert_eq!(detect(b"\xff\xff\xff\xff", ANY), Err(ConnectionErrorKind::FrameLength(-1)));
        assert_eq!(detect(b"\0\0\0\x30\x01\x02", ANY), Err(ConnectionErrorKind::UnknownDialect([0, 0, 0, 0x30])));
    }

    #[test]
    fn what_was_configured_is_not_guessed() {
        let framed = Accepted { framing: Some(Framing::Framed), ..ANY };
        assert_eq!(detect(b"\x80\x01\0\x01\0\0", framed), Err(ConnectionErrorKind::FrameLength(-2_147_418_111)));
        let both = Accepted { protocol: Some(Protocol::Compact), ..framed };
        let dialect = Dialect { protocol: Protocol::Compact, framing: Framing::Framed };
        assert_eq!(detect(b"", both), Ok(Some(dialect)));
        let compact = Accepted { protocol: Some(Protocol::Compact), ..ANY };
        let found = Dialect { protocol: Protocol::Binary, framing: Framing::Framed };
        let other = ConnectionErrorKind::OtherDialect { expected: dialect, found };
        assert_eq!(other.to_string(), "expected framed compact, the peer speaks framed binary");
        assert_eq!(detect(b"\0\0\0\x30\x80\x01", compact), Err(other));
    }
}
