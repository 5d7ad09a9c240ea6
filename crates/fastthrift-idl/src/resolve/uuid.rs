/// Reads `01234567-89ab-cdef-0123-456789abcdef`, in braces or not, in upper or lower case.
pub(super) fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let inner = text.strip_prefix('{').map_or(Some(text), |rest| rest.strip_suffix('}'))?;
    let is_well_formed = inner.len() == 36
        && inner.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if !is_well_formed {
        return None;
    }
    let mut digits = inner.bytes().filter(|&byte| byte != b'-').filter_map(|byte| char::from(byte).to_digit(16));
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        *byte = u8::try_from(digits.next()? * 16 + digits.next()?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::parse_uuid;

    #[test]
    fn a_uuid_is_read_with_braces_and_without() {
        let bytes = [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0, 1, 2, 3, 4, 5, 6, 7];
        assert_eq!(parse_uuid("01234567-89aB-cDef-0001-020304050607"), Some(bytes));
        assert_eq!(parse_uuid("{01234567-89ab-cdef-0001-020304050607}"), Some(bytes));
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "{",
            "{}",
            "0123456789abcdef0001020304050607",
            "{01234567-89ab-cdef-0001-020304050607",
            "01234567-89ab-cdef-0001-02030405060g",
        ] {
            assert_eq!(parse_uuid(text), None, "{text}");
        }
    }
}
