//! Doubles as text.

use core::fmt::{self, Write};

/// How many digits tell every double from its neighbours; C's `%.17g` writes so many.
const DIGITS: usize = 17;

/// The powers of 5 that fit 64 bits.
const POWERS_OF_5: [u64; 28] = {
    let mut powers = [1; 28];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 5;
        at += 1;
    }
    powers
};

/// A finite double as text, on the stack. For NaN and the infinities the text is `NaN`, `Infinity` and `-Infinity`, which JSON
/// can hold as strings only.
#[derive(Debug)]
pub struct DoubleText {
    bytes: [u8; 32],
    len: usize,
}

impl DoubleText {
    /// With 17 significant digits, without the zeros at their end: as `%.17g` in C and Python writes it.
    pub fn precise(value: f64) -> Self {
        let mut text = Self { bytes: [0; 32], len: 0 };
        if !text.special(value) {
            let (digits, exponent) = digits_17(value.abs());
            let mut ascii = [0; DIGITS];
            write_digits(digits, &mut ascii);
            text.lay_out(trimmed(&ascii), exponent, 17);
        }
        text
    }

    /// With as few digits as tell it from its neighbours, and with `.0` where it would look like an integer: as Python's `repr`
    /// writes it.
    pub fn shortest(value: f64) -> Self {
        let mut text = Self { bytes: [0; 32], len: 0 };
        if text.special(value) {
            if value == 0.0 {
                text.push(b".0");
            }
            return text;
        }
        let mut scientific = [0; 32];
        let (digits, exponent) = scientific_parts(format_args!("{:e}", value.abs()), &mut scientific);
        text.lay_out(digits, exponent, 16);
        if !text.as_bytes().iter().any(|byte| matches!(byte, b'.' | b'e')) {
            text.push(b".0");
        }
        text
    }

    /// The text.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Writes the sign, and zeros and what is not finite whole; says whether it did the latter.
    fn special(&mut self, value: f64) -> bool {
        if value.is_nan() {
            self.push(b"NaN");
            return true;
        }
        if value.is_sign_negative() {
            self.push(b"-");
        }
        match value {
            0.0 => self.push(b"0"),
            _ if value.is_infinite() => self.push(b"Infinity"),
            _ => return false,
        }
        true
    }

    /// Writes `d.ddd` times ten to the power of `exponent`: with an exponent when that is below -4, or not below `scientific_from`.
    fn lay_out(&mut self, digits: &[u8], exponent: i32, scientific_from: i32) {
        match usize::try_from(exponent) {
            Ok(whole) if exponent < scientific_from => {
                let whole = whole + 1;
                if let Some((whole, fraction)) = digits.split_at_checked(whole) {
                    self.push(whole);
                    self.push_fraction(fraction);
                } else {
                    self.push(digits);
                    self.push(&[b'0'; DIGITS][..whole - digits.len()]);
                }
            }
            Err(_) if exponent >= -4 => {
                self.push(&b"0.000"[..usize::try_from(1 - exponent).unwrap_or_default()]);
                self.push(digits);
            }
            _ => {
                self.push(&digits[..1]);
                self.push_fraction(&digits[1..]);
                self.push(if exponent < 0 { b"e-" } else { b"e+" });
                if exponent.abs() < 10 {
                    self.push(b"0");
                }
                self.push(itoa::Buffer::new().format(exponent.abs()).as_bytes());
            }
        }
    }

    fn push_fraction(&mut self, digits: &[u8]) {
        if !digits.is_empty() {
            self.push(b".");
            self.push(digits);
        }
    }
}

/// The digits without the zeros at their end, but for the first.
fn trimmed(digits: &[u8]) -> &[u8] {
    let zeros = digits[1..].iter().rev().take_while(|&&digit| digit == b'0').count();
    &digits[..digits.len() - zeros]
}

/// Writes a number of at most 17 digits with zeros before it.
fn write_digits(mut number: u64, ascii: &mut [u8; DIGITS]) {
    for digit in ascii.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

/// The 17 digits of a positive double, correctly rounded, and the power of ten of the first.
fn digits_17(value: f64) -> (u64, i32) {
    exact_digits(value).unwrap_or_else(|| {
        let mut scientific = [0; 32];
        let (digits, exponent) = scientific_parts(format_args!("{value:.16e}"), &mut scientific);
        (digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')), exponent)
    })
}

/// The same for a value of middling size, about 1e-11 to 1e17: scaled by a power of ten, its mantissa fits 128 bits, so that its
/// digits are the part before the binary point and what is behind it says exactly how to round.
fn exact_digits(value: f64) -> Option<(u64, i32)> {
    const TOO_LARGE: u64 = 10u64.pow(17);
    let bits = value.to_bits();
    let exponent_bits = i32::try_from(bits >> 52).ok().filter(|&bits| bits != 0)?;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    let exponent = exponent_bits - 1075;
    // No more than the decimal logarithm, and less by at most one: 1233/4096 is a little below log10(2) = 0.30103.
    let mut power = ((exponent + 52) * 1233) >> 12;
    loop {
        let scale = 16 - power;
        let five = *POWERS_OF_5.get(usize::try_from(scale).ok()?)?;
        let scaled = u128::from(mantissa) * u128::from(five);
        let shift = exponent + scale;
        let (whole, rest, half) = match u32::try_from(-shift) {
            Ok(0) | Err(_) => (scaled.checked_shl(u32::try_from(shift).ok()?)?, 0, 1),
            Ok(shift) => (scaled >> shift, scaled & ((1 << shift) - 1), 1 << (shift - 1)),
        };
        let whole = u64::try_from(whole).ok()?;
        if whole >= TOO_LARGE {
            power += 1;
            continue;
        }
        let rounded = whole + u64::from(rest > half || rest == half && whole & 1 == 1);
        return Some(if rounded == TOO_LARGE { (TOO_LARGE / 10, power + 1) } else { (rounded, power) });
    }
}

/// Text in a buffer of fixed size.
struct Fixed<'a> {
    buffer: &'a mut [u8; 32],
    len: usize,
}

impl Write for Fixed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let place = self.buffer.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

/// The digits and the exponent of a number that Rust writes as `d.ddde-x`; the digits stand in `buffer`.
fn scientific_parts<'a>(number: core::fmt::Arguments<'_>, buffer: &'a mut [u8; 32]) -> (&'a [u8], i32) {
    let mut text = Fixed { buffer, len: 0 };
    text.write_fmt(number).expect("invariant: 32 bytes hold 17 digits");
    let Fixed { buffer, len: written } = text;
    let mantissa = buffer[..written].iter().position(|&byte| byte == b'e').unwrap_or(written);
    let exponent = core::str::from_utf8(&buffer[mantissa + 1..written]).ok().and_then(|text| text.parse().ok());
    // The point goes away by moving the first digit to its place.
    let start = usize::from(mantissa > 1);
    buffer[start] = buffer[0];
    (&buffer[start..mantissa], exponent.expect("invariant: an exponent follows the digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn precise(value: f64) -> String {
        String::from_utf8(DoubleText::precise(value).as_bytes().to_vec()).unwrap()
    }

    fn shortest(value: f64) -> String {
        String::from_utf8(DoubleText::shortest(value).as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn doubles_look_as_c_and_python_write_them() {
        let cases = [
            (0.1, "0.10000000000000001", "0.1"),
            (1.5, "1.5", "1.5"),
            (-2.0, "-2", "-2.0"),
            (0.0, "0", "0.0"),
            (-0.0, "-0", "-0.0"),
            (100.0, "100", "100.0"),
            (123_456.789, "123456.789", "123456.789"),
            (1e16, "10000000000000000", "1e+16"),
            (1e17, "1e+17", "1e+17"),
            (1.25e-5, "1.2500000000000001e-05", "1.25e-05"),
            (0.0001, "0.0001", "0.0001"),
            (0.000_123_4, "0.00012339999999999999", "0.0001234"),
            (9_007_199_254_740_993.0, "9007199254740992", "9007199254740992.0"),
            (f64::MAX, "1.7976931348623157e+308", "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308", "2.2250738585072014e-308"),
            (5e-324, "4.9406564584124654e-324", "5e-324"),
            (99_999_999_999_999_990.0, "99999999999999984", "9.999999999999998e+16"),
            (f64::NAN, "NaN", "NaN"),
            (f64::INFINITY, "Infinity", "Infinity"),
            (f64::NEG_INFINITY, "-Infinity", "-Infinity"),
        ];
        for (value, as_precise, as_shortest) in cases {
            assert_eq!(precise(value), as_precise);
            assert_eq!(shortest(value), as_shortest);
        }
    }

    #[test]
    fn the_short_way_agrees_with_the_general_one() {
        let mut state = 1u64;
        let mut taken = 0;
        for round in 0..200_000u32 {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let exponent = 1023 - 40 + u64::from(round % 100);
            let value = f64::from_bits(exponent << 52 | state >> 12 & (u64::MAX << (round % 53) & ((1 << 52) - 1)));
            let mut buffer = [0; 32];
            let (digits, exponent) = scientific_parts(format_args!("{value:.16e}"), &mut buffer);
            if let Some((short, short_exponent)) = exact_digits(value) {
                taken += 1;
                assert_eq!((short.to_string().as_bytes(), short_exponent), (digits, exponent), "{value:e}");
            }
            assert_eq!(precise(value).parse(), Ok(value));
            assert_eq!(shortest(value).parse(), Ok(value));
        }
        assert!(taken > 150_000, "{taken}");
    }
}
