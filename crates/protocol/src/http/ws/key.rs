//! The key of the opening handshake (RFC 6455, 4.1 and 4.2.1).

/// Whether a Sec-WebSocket-Key is 16 bytes in base64: 22 characters and two of padding. The last character
/// carries two bits, and the other four must be zero, since decoders differ on what they do with them.
#[must_use]
pub fn is_key(value: &[u8]) -> bool {
    let Some((digits, last)) = value
        .strip_suffix(b"==")
        .and_then(|all| all.split_last_chunk::<1>())
    else {
        return false;
    };
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    digits.len() == 21 && digits.iter().all(is_digit) && matches!(last, b"A" | b"Q" | b"g" | b"w")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sixteen_bytes() {
        let check = |key: &str, valid: bool| assert_eq!(is_key(key.as_bytes()), valid, "{key}");
        // The RFC's own example.
        check("dGhlIHNhbXBsZSBub25jZQ==", true);
        check("AAAAAAAAAAAAAAAAAAAAAA==", true);
        check("//////////////////////==", false);
        check("+/////////////////////==", false);
        check("+////////////////////w==", true);
        for refused in [
            "",
            "==",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZR==",
            "dGhlIHNhbXBsZSBub25jZ==",
            "dGhlIHNhbXBsZSBub25jZQQ==",
            "dGhlIHNhbXBsZSBub25jZ===",
            "dGhlIHNhbXBsZSBub25j-Q==",
            " dGhlIHNhbXBsZSBub25jZQ==",
            "dGhlIHNhbXBsZSBub25jZQ== ",
            "dGhlIHNhbXBsZSBu b25jZQ==",
        ] {
            check(refused, false);
        }
    }
}
