//! The key that updates have to be signed with, as an administrator writes it down.

/// Bytes of a key of minisign: how it signs, its number, and the key itself.
const LENGTH: usize = 42;

/// How it may sign.
const KINDS: [&[u8]; 2] = [b"Ed", b"ED"];

/// Whether `key` is the line of a `.pub` file that `tauri signer generate` writes: in base64 a comment, and in the line below it the key, in base64
/// again. Whether it belongs to anybody shows when something is signed with it.
pub(super) fn is_key(key: &str) -> bool {
    let file = decoded(key.trim()).and_then(|file| String::from_utf8(file).ok());
    let key = file.as_deref().and_then(|file| file.lines().nth(1)).and_then(decoded);
    key.is_some_and(|key| key.len() == LENGTH && KINDS.iter().any(|kind| key.starts_with(kind)))
}

/// What stands in base64 in `text`; None if it is none.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0_u32);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

/// What `tauri signer generate` wrote.
#[cfg(test)]
pub(super) const MADE: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IG1pbmlzaWduIHB1YmxpYyBrZXk6IEFDRTYwNTM5MjcwRjIyRTAKUldUZ0lnOG5PUVhtckVjaWxxajZoM3Rad3VPR0RXS3drUkFuc3RKVnA0ZVdHSnp0RWMxeE1kT0gK";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_line_of_a_public_key_is_one() {
        assert!(is_key(MADE) && is_key(&format!("{MADE}\n")));
        for odd in ["", "k", "no key", &MADE[2..], &MADE[..MADE.len() - 4], "UldUZ0lnOG5PUVhtckU="] {
            assert!(!is_key(odd), "{odd}");
        }
    }

    #[test]
    fn base64_is_read_to_its_end() {
        for (text, bytes) in
            [("", &b""[..]), ("YQ==", b"a"), ("YWI=", b"ab"), ("YWJj", b"abc"), ("+/+/", b"\xfb\xff\xbf")]
        {
            assert_eq!(decoded(text).as_deref(), Some(bytes), "{text}");
        }
        for odd in ["YQ", "YQ=", "Y===", "Y Q=", "YQ-="] {
            assert_eq!(decoded(odd), None, "{odd}");
        }
    }
}
