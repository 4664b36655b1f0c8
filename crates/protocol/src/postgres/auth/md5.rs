//! The answer to AuthenticationMD5Password. Weak; offered because targets still ask for it.

use md5::{Digest, Md5};
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// `md5` and the hexadecimal MD5 of (hexadecimal MD5 of password and user name) and salt.
#[must_use]
pub fn response(user: &str, password: &str, salt: [u8; 4]) -> Zeroizing<String> {
    let inner = hex(&[password.as_bytes(), user.as_bytes()]);
    let outer = hex(&[inner.as_bytes(), &salt]);
    Zeroizing::new(format!("md5{}", *outer))
}

fn hex(parts: &[&[u8]]) -> Zeroizing<String> {
    let mut digest = Md5::new();
    for part in parts {
        digest.update(part);
    }
    let mut text = Zeroizing::new(String::with_capacity(35));
    for byte in digest.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::response;

    #[test]
    fn as_computed_by_a_server() {
        // By md5sum(1), twice.
        assert_eq!(
            *response("ada", "secret", [b'a', b'b', b'c', b'd']),
            "md506e21122b2c0f4108f95d1329aea56d0"
        );
    }
}
