//! Masking, and taking it off, which is the same (RFC 6455, 5.3).

/// Changes `payload` in place; the key's first byte is for the payload's first.
pub(super) fn apply(key: [u8; 4], payload: &mut [u8]) {
    if key == [0; 4] {
        return;
    }
    let [a, b, c, d] = key;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip([a, b, c, d, a, b, c]) {
        *byte ^= key;
    }
}

/// The key for what follows after `len` bytes.
pub(super) fn advance(mut key: [u8; 4], len: usize) -> [u8; 4] {
    key.rotate_left(len % 4);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_byte_has_its_own_of_the_key(key: [u8; 4], payload: Vec<u8>, cut: usize) {
            let expected: Vec<u8> = payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect();
            let mut masked = payload.clone();
            apply(key, &mut masked);
            assert_eq!(masked, expected);
            let mut pieces = payload;
            let cut = cut % (pieces.len() + 1);
            let (before, after) = pieces.split_at_mut(cut);
            apply(key, before);
            apply(advance(key, cut), after);
            assert_eq!(pieces, expected);
        }
    }
}
