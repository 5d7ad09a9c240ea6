use crate::SaslError;
use crate::inbound::Inbound;

/// Bytes of a frame's content. The largest that is in use is a Kerberos ticket, of 64 KiB at most.
const MAX_CONTENT: usize = 128 << 10;

/// Bytes of a frame's status and length.
const HEAD: usize = 5;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Start,
    Ok,
    Bad,
    Error,
    Complete,
}

impl Status {
    fn to_byte(self) -> u8 {
        match self {
            Self::Start => 1,
            Self::Ok => 2,
            Self::Bad => 3,
            Self::Error => 4,
            Self::Complete => 5,
        }
    }

    fn of(byte: u8) -> Result<Self, SaslError> {
        [Self::Start, Self::Ok, Self::Bad, Self::Error, Self::Complete]
            .into_iter()
            .find(|status| status.to_byte() == byte)
            .ok_or(SaslError::NotSasl(byte))
    }
}

/// Appends a frame, whose content is this side's own.
pub(super) fn write_frame(buffer: &mut Vec<u8>, status: Status, content: &[u8]) {
    let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
    buffer.push(status.to_byte());
    buffer.extend_from_slice(&size.to_be_bytes());
    buffer.extend_from_slice(content);
}

/// Takes the frame that the unread bytes start with; `None` when more have to come.
pub(super) fn next_frame(inbound: &mut Inbound) -> Result<Option<(Status, Vec<u8>)>, SaslError> {
    let Some(end) = frame_len(inbound.unread())?.filter(|end| *end <= inbound.len()) else { return Ok(None) };
    let status = Status::of(inbound.unread()[0])?;
    let content = inbound.unread()[HEAD..end].to_vec();
    inbound.consume(end);
    Ok(Some((status, content)))
}

/// How many bytes the frame has that these start with, as far as known: 0 when there are none.
pub(super) fn needed(unread: &[u8]) -> usize {
    if unread.is_empty() { 0 } else { frame_len(unread).ok().flatten().unwrap_or(HEAD) }
}

fn frame_len(unread: &[u8]) -> Result<Option<usize>, SaslError> {
    if let [first, ..] = unread {
        Status::of(*first)?;
    }
    let Some([_, length @ ..]) = unread.first_chunk::<HEAD>() else { return Ok(None) };
    let size = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if size > MAX_CONTENT {
        return Err(SaslError::FrameTooLarge { size, limit: MAX_CONTENT });
    }
    Ok(Some(HEAD + size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_taken_when_it_is_whole() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, Status::Start, b"PLAIN");
        write_frame(&mut bytes, Status::Complete, b"");
        assert_eq!(bytes, b"\x01\0\0\0\x05PLAIN\x05\0\0\0\0");
        let mut inbound = Inbound::default();
        for byte in &bytes[..9] {
            inbound.append(&[*byte]);
            assert_eq!(next_frame(&mut inbound), Ok(None));
            assert!(needed(inbound.unread()) > inbound.len());
        }
        inbound.append(&bytes[9..]);
        assert_eq!(next_frame(&mut inbound), Ok(Some((Status::Start, b"PLAIN".to_vec()))));
        assert_eq!(next_frame(&mut inbound), Ok(Some((Status::Complete, Vec::new()))));
        assert_eq!((next_frame(&mut inbound), needed(inbound.unread())), (Ok(None), 0));
    }

    #[test]
    fn what_is_no_frame_is_refused_by_its_first_bytes() {
        let next = |bytes: &[u8]| {
            let mut inbound = Inbound::default();
            inbound.append(bytes);
            next_frame(&mut inbound)
        };
        assert_eq!((next(b"\0"), next(b"\x06")), (Err(SaslError::NotSasl(0)), Err(SaslError::NotSasl(6))));
        let too_large = SaslError::FrameTooLarge { size: 0x0002_0001, limit: 0x0002_0000 };
        assert_eq!(next(b"\x02\0\x02\0\x01"), Err(too_large));
    }
}
