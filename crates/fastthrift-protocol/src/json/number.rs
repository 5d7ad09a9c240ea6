//! Numbers as JSON writes them, and the names of those that JSON cannot write.

/// The longest text of a number: more than the longest exact decimal expansion of a double takes.
pub(super) const LONGEST: usize = 2048;

/// The integer that `text` starts with and how many bytes it takes; `None` when there is no digit, or when it does not fit 64
/// bits.
#[inline]
pub(super) fn integer(text: &[u8]) -> Option<(i64, usize)> {
    let sign = usize::from(text.first() == Some(&b'-'));
    let mut magnitude = 0u64;
    let mut len = sign;
    // Eighteen digits fit; the rest of a longer number is looked at one by one.
    while let Some(digit) = text.get(len).map(|byte| byte.wrapping_sub(b'0'))
        && digit < 10
        && len < sign + 18
    {
        magnitude = magnitude * 10 + u64::from(digit);
        len += 1;
    }
    if len == sign {
        return None;
    }
    if text.get(len).is_some_and(u8::is_ascii_digit) {
        return long_integer(text, sign);
    }
    let value = magnitude.cast_signed();
    Some((if sign == 1 { -value } else { value }, len))
}

#[cold]
fn long_integer(text: &[u8], sign: usize) -> Option<(i64, usize)> {
    let digits = text[sign..].iter().take(LONGEST).take_while(|byte| byte.is_ascii_digit()).count();
    let text = core::str::from_utf8(&text[..sign + digits]).ok()?;
    Some((text.parse().ok()?, text.len()))
}

/// How long the run of bytes at the start of `text` is that a number, or the name of one, can consist of.
#[inline]
pub(super) fn run_len(text: &[u8]) -> usize {
    text.iter().take_while(|&&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')).count()
}

/// Whether this text, which is no number, could become one if it went on.
pub(super) fn is_cut_off(text: &[u8]) -> bool {
    let starts = matches!(text.first(), Some(b'-' | b'0'..=b'9' | b'n' | b'N' | b'i' | b'I'));
    let ends = text.last().is_some_and(|byte| !byte.is_ascii_digit());
    starts && ends && text.len() <= LONGEST && run_len(text) == text.len()
}

/// The double that this text is: a JSON number, or what C++ (`NaN`, `Infinity`) and Python (`nan`, `inf`) write for those
/// that JSON lacks. `None` for other text, and for a number too large for a double.
pub(super) fn double(text: &[u8]) -> Option<f64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if !digits.first().is_some_and(u8::is_ascii_digit) {
        return named_double(text);
    }
    if text.len() > LONGEST {
        return None;
    }
    let value: f64 = core::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

fn named_double(text: &[u8]) -> Option<f64> {
    Some(match text {
        b"NaN" | b"nan" | b"-nan" => f64::NAN,
        b"Infinity" | b"inf" => f64::INFINITY,
        b"-Infinity" | b"-inf" => f64::NEG_INFINITY,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_every_length_are_read() {
        assert_eq!(integer(b"0"), Some((0, 1)));
        assert_eq!(integer(b"-0,"), Some((0, 2)));
        assert_eq!(integer(b"0012}"), Some((12, 4)));
        let mut number = 1i64;
        for _ in 0..18 {
            for value in [number, -number, number - 1, number.saturating_mul(7)] {
                let text = format!("{value}]");
                assert_eq!(integer(text.as_bytes()), Some((value, text.len() - 1)));
            }
            number *= 10;
        }
        for value in [i64::MAX, i64::MIN] {
            let text = value.to_string();
            assert_eq!(integer(text.as_bytes()), Some((value, text.len())));
        }
    }

    #[test]
    fn what_is_no_integer_of_64_bits_is_refused() {
        for text in ["", "-", "+1", "x", "9223372036854775808", "-9223372036854775809", "99999999999999999999999"] {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
        assert_eq!(integer("9".repeat(1 << 20).as_bytes()), None);
        let zeros = format!("{}7", "0".repeat(2000));
        assert_eq!(integer(zeros.as_bytes()), Some((7, 2001)));
    }

    #[test]
    fn doubles_and_their_names_are_read() {
        for (text, value) in [("1.5", 1.5), ("-0", -0.0), ("1e-05", 1e-5), ("5e-324", 5e-324), ("17", 17.0)] {
            assert_eq!(double(text.as_bytes()).map(f64::to_bits), Some(f64::to_bits(value)));
        }
        assert!(double(b"nan").is_some_and(f64::is_nan));
        assert_eq!(double(b"-Infinity"), Some(f64::NEG_INFINITY));
        for text in ["", "-", "+1", ".5", "1e999", "infinity", "0x10", "1e", "--1", "1 "] {
            assert_eq!(double(text.as_bytes()), None, "{text}");
        }
        assert_eq!(double("1".repeat(LONGEST + 1).as_bytes()), None);
    }
}
