//! Writing the scalars of JSON.

use super::string::{lowest_byte, repeat, zero_bytes};
use super::uuid::hex;
use super::{DoubleText, base64, uuid};
use crate::Sink;

/// Bytes that are turned into base64 at a time: whole groups of three.
const BASE64_STEP: usize = 768;

/// Writes a string in quotes. Quotes, backslashes and control characters below `0x20` are escaped, the latter with a letter where
/// there is one and as `\u001f` else; other bytes, which the caller knows to be UTF-8, are written as they are.
#[inline]
pub fn write_text(out: &mut impl Sink, text: &[u8]) {
    out.put([b'"']);
    match find_escaped(text) {
        None => out.put_slice(text),
        Some(place) => write_escaped(out, text, place),
    }
    out.put([b'"']);
}

/// Writes text of which the first byte to escape is at `place`.
#[inline(never)]
fn write_escaped(out: &mut impl Sink, text: &[u8], mut place: usize) {
    let mut rest = text;
    loop {
        let (plain, escaped) = rest.split_at(place);
        out.put_slice(plain);
        let Some((&byte, after)) = escaped.split_first() else { return };
        let letter = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            control => {
                let [high, low] = hex(control);
                out.put([b'\\', b'u', b'0', b'0', high, low]);
                rest = after;
                place = find_escaped(rest).unwrap_or(rest.len());
                continue;
            }
        };
        out.put([b'\\', letter]);
        rest = after;
        place = find_escaped(rest).unwrap_or(rest.len());
    }
}

/// Where the first byte is that cannot stand in a string as it is.
#[inline]
fn find_escaped(text: &[u8]) -> Option<usize> {
    /// Bytes that are looked at together where text is long.
    const WIDE: usize = 32;
    let is_escaped = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    let mut place = 0;
    while let Some(word) = text.get(place..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(repeat(0x20)) & !word & repeat(0x80);
        let found = control | zero_bytes(word ^ repeat(b'"')) | zero_bytes(word ^ repeat(b'\\'));
        if found != 0 {
            return Some(place + lowest_byte(found));
        }
        place += 8;
        while let Some(wide) = text.get(place..).and_then(<[u8]>::first_chunk::<WIDE>)
            && !wide.iter().fold(false, |any, &byte| any | is_escaped(byte))
        {
            place += WIDE;
        }
    }
    let rest = text.get(place..).unwrap_or_default();
    rest.iter().position(|&byte| is_escaped(byte)).map(|at| place + at)
}

/// Writes bytes as base64 with padding, in quotes.
pub fn write_base64(out: &mut impl Sink, bytes: &[u8]) {
    out.put([b'"']);
    let mut buffer = [0; BASE64_STEP / 3 * 4];
    for step in bytes.chunks(BASE64_STEP) {
        let text = &mut buffer[..base64::encoded_len(step.len())];
        base64::encode(step, text);
        out.put_slice(text);
    }
    out.put([b'"']);
}

/// Writes a UUID in quotes.
pub fn write_uuid(out: &mut impl Sink, value: &[u8; 16]) {
    out.put([b'"']);
    out.put_slice(&uuid::format(value));
    out.put([b'"']);
}

/// Writes an integer.
#[inline]
pub fn write_integer(out: &mut impl Sink, value: i64) {
    out.put_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes a double as [`DoubleText::precise`] has it; NaN and the infinities in quotes, since JSON has no numbers for them.
pub fn write_double(out: &mut impl Sink, value: f64) {
    let text = DoubleText::precise(value);
    if value.is_finite() {
        out.put_slice(text.as_bytes());
    } else {
        out.put([b'"']);
        out.put_slice(text.as_bytes());
        out.put([b'"']);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::json::{Lexer, Scratch};

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_escaped_as_cpp_does() {
        let text = "plain / \u{7f} \u{e9}\u{20ac}\u{1f600}";
        assert_eq!(written(|out| write_text(out, text.as_bytes())), format!("\"{text}\""));
        let escaped = written(|out| write_text(out, b"\"\\\x08\x0c\n\r\t\0\x01\x1f"));
        assert_eq!(escaped, r#""\"\\\b\f\n\r\t\u0000\u0001\u001f""#);
    }

    #[test]
    fn text_of_every_length_comes_back_with_any_byte_at_any_place() {
        for len in 0..120 {
            let mut text = vec![b'x'; len];
            for place in 0..len {
                for byte in [b'"', b'\\', 0, 0x1f, 0x20, 0x7f] {
                    text[place] = byte;
                    let json = written(|out| write_text(out, &text));
                    let scratch = Scratch::new();
                    assert_eq!(Lexer::new(json.as_bytes(), &scratch, Limits::DEFAULT).text(), Ok(&text[..]));
                }
                text[place] = b'x';
            }
        }
    }

    #[test]
    fn other_bytes_are_never_taken_for_control_characters() {
        for byte in 0x80..=0xff {
            let mut text = vec![b'x'; 40];
            text[20] = byte;
            text[35] = byte;
            assert_eq!(find_escaped(&text), None, "{byte:x}");
            text[39] = 0x1f;
            assert_eq!(find_escaped(&text), Some(39));
        }
    }

    #[test]
    fn base64_of_every_length_comes_back() {
        assert_eq!(written(|out| write_base64(out, b"\0\x01")), "\"AAE=\"");
        for len in (0..20).chain(760..780).chain([5000]) {
            let bytes: Vec<u8> = (0..=255).cycle().take(len).collect();
            let json = written(|out| write_base64(out, &bytes));
            let scratch = Scratch::new();
            assert_eq!(Lexer::new(json.as_bytes(), &scratch, Limits::DEFAULT).base64(), Ok(&bytes[..]));
        }
    }

    #[test]
    fn numbers_and_uuids_are_written() {
        assert_eq!(written(|out| write_integer(out, i64::MIN)), "-9223372036854775808");
        assert_eq!(written(|out| write_double(out, 0.1)), "0.10000000000000001");
        assert_eq!(written(|out| write_double(out, f64::NEG_INFINITY)), "\"-Infinity\"");
        assert_eq!(written(|out| write_uuid(out, &[0xab; 16])), "\"abababab-abab-abab-abab-abababababab\"");
    }
}
