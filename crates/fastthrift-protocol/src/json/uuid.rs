//! UUIDs as text: 32 hexadecimal digits of either case, in groups of 8, 4, 4, 4 and 12 (RFC 9562, section 4).

/// The bytes after which a hyphen stands in the text.
const GROUP_ENDS: [usize; 4] = [4, 6, 8, 10];

/// The UUID that this text is, with its hyphens or without; `None` for other text.
pub(super) fn parse(text: &[u8]) -> Option<[u8; 16]> {
    let with_hyphens = match text.len() {
        36 => true,
        32 => false,
        _ => return None,
    };
    let mut uuid = [0; 16];
    let mut rest = text;
    for (index, byte) in uuid.iter_mut().enumerate() {
        if with_hyphens && GROUP_ENDS.contains(&index) {
            rest = rest.strip_prefix(b"-")?;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? << 4 | low?).ok()?;
        rest = after;
    }
    Some(uuid)
}

/// The text of a UUID, with hyphens, in lower case.
pub(super) fn format(uuid: &[u8; 16]) -> [u8; 36] {
    let mut text = [b'-'; 36];
    let mut place = 0;
    for (index, byte) in uuid.iter().enumerate() {
        place += usize::from(GROUP_ENDS.contains(&index));
        text[place..place + 2].copy_from_slice(&hex(*byte));
        place += 2;
    }
    text
}

/// A byte as two hexadecimal digits of lower case.
pub(super) fn hex(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|digit| digit + if digit < 10 { b'0' } else { b'a' - 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_and_other_text_is_refused() {
        let uuid = core::array::from_fn(|i| u8::try_from(i * 17).unwrap());
        let text = format(&uuid);
        assert_eq!(&text, b"00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!(parse(&text), Some(uuid));
        assert_eq!(parse(b"00112233445566778899AABBCCDDEEFF"), Some(uuid));
        let refused = ["", "00112233-4455-6677-8899-aabbccddeef", "0011223344556677889 AABBCCDDEEFF"];
        let misplaced = ["001122334-455-6677-8899-aabbccddeeff", "00112233x4455-6677-8899-aabbccddeeff"];
        for text in refused.into_iter().chain(misplaced) {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
