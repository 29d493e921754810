/// A size as people read it, in decimal units: `98 MB`, `1.1 GB`.
pub fn bytes_in_words(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    // 999.5 would be shown as 1000 of the smaller unit.
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(unit > 0 && size < 9.95);
    format!("{size:.decimals$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_like_on_a_label() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (98_362_432, "98 MB"),
            (999_600_000, "1.0 GB"),
            (1_117_320_768, "1.1 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(bytes_in_words(bytes), words);
        }
    }
}
