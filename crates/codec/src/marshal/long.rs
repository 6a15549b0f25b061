//! Integers of any size in marshal: a signed count of digits of 15 bits.

use num_bigint::Sign;
use salamander_value::{BigInt, Error, Result, Token};

const DIGIT_BITS: u32 = 15;

/// The integer of these digits.
///
/// # Errors
/// A digit of more than 15 bits, and a zero at the top.
pub(super) fn read(negative: bool, digits: &[u8]) -> Result<Token<'static>> {
    let (digits, _) = digits.as_chunks::<2>();
    let digits = || digits.iter().map(|&digit| u16::from_le_bytes(digit));
    if digits().any(|digit| digit >> DIGIT_BITS != 0) {
        return Err(Error::malformed("a digit of an int is out of range"));
    }
    if digits().next_back() == Some(0) {
        return Err(Error::malformed("an int has a leading zero"));
    }
    if digits().len() <= 8 {
        let magnitude = digits().rev().fold(0, |all, digit| all << DIGIT_BITS | i128::from(digit));
        let number = if negative { -magnitude } else { magnitude };
        return Ok(match i64::try_from(number) {
            Ok(number) => Token::Int(number),
            Err(_) => Token::BigInt(Box::new(number.into())),
        });
    }
    let mut words = Vec::with_capacity(digits().len() / 2 + 1);
    let (mut pending, mut bits) = (0u64, 0);
    for digit in digits() {
        pending |= u64::from(digit) << bits;
        bits += DIGIT_BITS;
        if bits >= 32 {
            words.push(pending as u32);
            pending >>= 32;
            bits -= 32;
        }
    }
    words.push(pending as u32);
    let sign = if negative { Sign::Minus } else { Sign::Plus };
    Ok(Token::BigInt(Box::new(BigInt::new(sign, words))))
}

/// Appends the count and the digits of an integer; `words` are of its magnitude, the lowest first.
///
/// # Errors
/// More digits than the count can tell.
pub(super) fn write(out: &mut Vec<u8>, negative: bool, words: impl Iterator<Item = u32>) -> Result<()> {
    let start = out.len();
    out.extend([0; 4]);
    let (mut pending, mut bits) = (0u64, 0);
    for word in words {
        pending |= u64::from(word) << bits;
        bits += 32;
        while bits >= DIGIT_BITS {
            out.extend((pending as u16 & 0x7FFF).to_le_bytes());
            pending >>= DIGIT_BITS;
            bits -= DIGIT_BITS;
        }
    }
    out.extend((pending as u16).to_le_bytes());
    while out.len() > start + 4 && out.ends_with(&[0, 0]) {
        out.truncate(out.len() - 2);
    }
    let digits = i32::try_from((out.len() - start - 4) / 2).map_err(|_| super::write::too_large())?;
    let count = if negative { -digits } else { digits };
    out[start..start + 4].copy_from_slice(&count.to_le_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(number: &BigInt) -> Token<'static> {
        let mut out = Vec::new();
        write(&mut out, number.sign() == Sign::Minus, number.magnitude().iter_u32_digits()).unwrap();
        let count = i32::from_le_bytes(out[..4].try_into().unwrap());
        assert_eq!(count.unsigned_abs() as usize * 2, out.len() - 4);
        read(count < 0, &out[4..]).unwrap()
    }

    #[test]
    fn integers_of_any_length_come_back() {
        for bits in 0..400 {
            for near in -1..=1 {
                for sign in [1, -1] {
                    let number: BigInt = ((BigInt::from(1) << bits) + near) * sign;
                    let expected = match i64::try_from(&number) {
                        Ok(number) => Token::Int(number),
                        Err(_) => Token::BigInt(Box::new(number.clone())),
                    };
                    assert_eq!(round_trip(&number), expected);
                }
            }
        }
    }
}
