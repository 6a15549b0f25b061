//! Floats out of decimal digits: the common spellings, faster than the standard library reads them all.

use crate::literal::{POWERS, short_integer};

/// The float whose digits before the point have been read (the number they make, and how many there are), and its length
/// in bytes; none where it takes more to read it, as for long numbers and those with an exponent.
///
/// What follows is not looked at.
#[inline]
pub(crate) fn plain_float(bytes: &[u8], (whole, whole_len): (u64, usize)) -> Option<(f64, usize)> {
    let fraction = bytes.get(whole_len..)?.strip_prefix(b".")?;
    let (number, len) = short_integer(fraction);
    if len == 0 || whole_len == 0 || whole_len + len > 19 {
        return None;
    }
    // Nineteen digits fit.
    let number = whole * POWERS[len] + number;
    Some((quotient(number, len), whole_len + 1 + len))
}

/// A number divided by a power of ten, rounded once.
#[inline]
fn quotient(number: u64, power: usize) -> f64 {
    let divisor = POWERS[power];
    if number < 1 << f64::MANTISSA_DIGITS {
        // Both are exact as floats (10 ** 22 is the last power that is), so that only the quotient is rounded.
        return number as f64 / divisor as f64;
    }
    // Both with their top bit set, so that the quotient has 63 or 64 bits: more than enough to round to 53, together with
    // one that tells whether anything is left.
    let (up, divisor_up) = (number.leading_zeros(), divisor.leading_zeros());
    let dividend = u128::from(number << up) << 63;
    let divisor = u128::from(divisor << divisor_up);
    let (bits, left) = ((dividend / divisor) as u64, dividend % divisor);
    let rounded = (bits | u64::from(left != 0)) as f64;
    // A power of two between -127 and 0.
    let exponent = u64::from(1023 - 63 + divisor_up - up);
    rounded * f64::from_bits(exponent << 52)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<(f64, usize)> {
        plain_float(text.as_bytes(), short_integer(text.as_bytes()))
    }

    #[test]
    fn only_what_is_whole_and_short_is_read() {
        assert_eq!(read("1.5,"), Some((1.5, 3)));
        assert_eq!(read("0.1"), Some((0.1, 3)));
        assert_eq!(read("12345678.12345678e5"), Some((12345678.12345678, 17)));
        assert_eq!(read("9007199254740993.0"), Some((9007199254740992.0, 18)));
        for other in ["", "1", "1.", ".5", "1e5", "1234567890123456789.5", "1.1234567890123456789", "1_0.5", "inf"] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn floats_are_rounded_as_the_standard_library_rounds_them(text in "[0-9]{1,12}\\.[0-9]{1,18}") {
            if let Some((number, len)) = read(&text) {
                prop_assert_eq!(len, text.len());
                prop_assert_eq!(Ok(number.to_bits()), text.parse().map(f64::to_bits));
            }
        }

        #[test]
        fn floats_that_were_written_are_read_as_they_were(number in 0.0f64..1e15) {
            let text = format!("{number:?}");
            if let Some((again, _)) = read(&text) {
                prop_assert_eq!(again.to_bits(), number.to_bits());
            }
        }
    }
}
