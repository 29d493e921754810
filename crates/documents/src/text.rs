//! Plain text: finding out its encoding.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use protocol::Code;

use crate::Trouble;
use crate::output::Output;

/// How much of a file is looked at to guess, in bytes.
const SAMPLE: usize = 64 << 10;

/// One control character or unreadable one in so many is what a text may have.
const TOLERANCE: usize = 50;

pub(crate) fn read(bytes: &[u8], out: &mut Output) -> Result<(), Trouble> {
    out.push(&decode(bytes)?);
    Ok(())
}

/// The text of `bytes`, whatever its encoding.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Trouble> {
    let unknown = || Trouble::Is(Code::DocumentUnknown);
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let text = encoding.decode_without_bom_handling(&bytes[mark..]).0;
        return is_text(&text).then_some(text).ok_or_else(unknown);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && is_text(text)
    {
        return Ok(text.into());
    }
    if bytes[..bytes.len().min(SAMPLE)].contains(&0) {
        // Only UTF-16 has zeros in it. The byte order is the one that reads better.
        let (little, big) = (plausible(bytes, UTF_16LE), plausible(bytes, UTF_16BE));
        let best = if little.1 >= big.1 { little } else { big };
        return (best.1 > 0 && is_text(&best.0)).then_some(best.0).ok_or_else(unknown);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    let guess = detector.guess(None, Utf8Detection::Allow);
    // One bad byte in a text that is otherwise UTF-8 is no reason to read it as Latin.
    let broken = UTF_8.decode_without_bom_handling(bytes).0;
    let text = if guess == UTF_8 || (!broken.is_ascii() && is_text(&broken)) {
        broken
    } else {
        guess.decode_without_bom_handling(bytes).0
    };
    is_text(&text).then_some(text).ok_or_else(unknown)
}

/// Bytes read in an encoding, with the number of characters that texts are full of.
fn plausible<'a>(bytes: &'a [u8], encoding: &'static Encoding) -> (Cow<'a, str>, usize) {
    let text = encoding.decode_without_bom_handling(bytes).0;
    let usual = |char: &char| matches!(char, ' '..='~' | '\n' | '\u{3000}'..='\u{30ff}');
    let count = if is_text(&text) { text.chars().filter(usual).count() } else { 0 };
    (text, count)
}

/// How many characters are none that a text has.
fn damage(text: &str) -> usize {
    text.chars()
        .filter(|char| *char == '\u{fffd}' || (char.is_control() && !matches!(char, '\t' | '\n' | '\r' | '\u{c}')))
        .count()
}

fn is_text(text: &str) -> bool {
    damage(text) * TOLERANCE <= text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JAPANESE: &str = "吾輩は猫である。名前はまだ無い。\nどこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で泣いていた。\n";
    const FRENCH: &str = "Où est l’élève ? À l’école, déjà prêt : « ça va », dit-il — à 20 € près.\n";

    #[test]
    fn every_encoding_people_still_use_is_read() {
        for (label, text) in [
            ("utf-8", JAPANESE),
            ("utf-8", FRENCH),
            ("shift_jis", JAPANESE),
            ("euc-jp", JAPANESE),
            ("iso-2022-jp", JAPANESE),
            ("windows-1252", FRENCH),
        ] {
            let bytes = Encoding::for_label(label.as_bytes()).unwrap().encode(text).0;
            assert_eq!(decode(&bytes).unwrap(), text, "{label}");
        }
    }

    #[test]
    fn utf_16_is_read_with_and_without_its_mark() {
        for text in [JAPANESE, FRENCH, "a,b\n1,2\n"] {
            for mark in ["", "\u{feff}"] {
                let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
                let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
                let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
                assert_eq!(decode(&little).unwrap(), text, "little endian, mark {mark:?}");
                assert_eq!(decode(&big).unwrap(), text, "big endian, mark {mark:?}");
            }
        }
        assert_eq!(decode("\u{feff}a".as_bytes()).unwrap(), "a", "UTF-8 with a mark");
    }

    #[test]
    fn one_bad_byte_does_not_turn_a_text_into_another_encoding() {
        let mut bytes = JAPANESE.repeat(3).into_bytes();
        bytes[30] = 0xff;
        assert!(decode(&bytes).unwrap().contains("名前はまだ無い"));
    }

    #[test]
    fn bytes_that_are_no_text_are_not_shown_as_one() {
        let noise: Vec<u8> = (0..4000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert!(decode(&noise).is_err());
        assert!(decode(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0").is_err());
    }
}
