//! Codings of content: gzip and deflate, read and written as bodies stream.

use flate2::Compression;
use flate2::write::{GzEncoder, MultiGzDecoder, ZlibDecoder};
use std::io::Write as _;

/// What is fed to a decoder at once: a thousandfold of it, the most that deflate gives, is some megabytes.
const PIECE: usize = 2 * 1024;

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Deflate,
}

/// The coding that Content-Encoding names; `None` for one that is not read here, or several.
#[must_use]
pub fn coding_of(named: &str) -> Option<Coding> {
    match named.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Some(Coding::Identity),
        "gzip" | "x-gzip" => Some(Coding::Gzip),
        "deflate" => Some(Coding::Deflate),
        _ => None,
    }
}

/// Whether Accept-Encoding lets an answer be gzip.
#[must_use]
pub fn accepts_gzip(accepts: &str) -> bool {
    accepts.split(',').any(|one| {
        let (name, rest) = one.split_once(';').unwrap_or((one, ""));
        let name = name.trim();
        let named = name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip");
        let weight = rest.trim().strip_prefix("q=").map(str::trim);
        named && !weight.is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
    })
}

/// The body is not what its coding says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not what its content-encoding says")]
pub struct NotCoded;

/// Reads a coding.
pub enum Decoder {
    /// None.
    Identity,
    /// RFC 1952.
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// RFC 1950.
    Deflate(Box<ZlibDecoder<Vec<u8>>>),
}

impl Decoder {
    /// For a coding.
    #[must_use]
    pub fn new(coding: Coding) -> Self {
        match coding {
            Coding::Identity => Self::Identity,
            Coding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Coding::Deflate => Self::Deflate(Box::new(ZlibDecoder::new(Vec::new()))),
        }
    }

    /// Reads a piece, and gives what it holds to `each`, in parts.
    ///
    /// # Errors
    /// It is not coded so, or `each` fails.
    pub fn feed<E: From<NotCoded>>(
        &mut self,
        data: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if matches!(self, Self::Identity) {
            return each(data);
        }
        for piece in data.chunks(PIECE) {
            let decoded = match self {
                Self::Identity => continue,
                Self::Gzip(decoder) => {
                    decoder.write_all(piece).map_err(|_| NotCoded)?;
                    decoder.flush().map_err(|_| NotCoded)?;
                    decoder.get_mut()
                }
                Self::Deflate(decoder) => {
                    decoder.write_all(piece).map_err(|_| NotCoded)?;
                    decoder.flush().map_err(|_| NotCoded)?;
                    decoder.get_mut()
                }
            };
            each(decoded)?;
            decoded.clear();
        }
        Ok(())
    }

    /// The end came.
    ///
    /// # Errors
    /// It came too early.
    pub fn finish(&mut self) -> Result<(), NotCoded> {
        match self {
            Self::Identity => Ok(()),
            Self::Gzip(decoder) => decoder.try_finish().map_err(|_| NotCoded),
            Self::Deflate(decoder) => decoder.try_finish().map_err(|_| NotCoded),
        }
    }
}

/// Writes a coding.
pub enum Encoder {
    /// None.
    Identity(Vec<u8>),
    /// RFC 1952.
    Gzip(Box<GzEncoder<Vec<u8>>>),
}

impl Encoder {
    /// With or without gzip.
    #[must_use]
    pub fn new(gzip: bool) -> Self {
        match gzip {
            true => Self::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::fast()))),
            false => Self::Identity(Vec::new()),
        }
    }

    /// Takes more.
    pub fn feed(&mut self, data: &[u8]) {
        match self {
            Self::Identity(out) => out.extend_from_slice(data),
            // Writing to memory does not fail.
            Self::Gzip(encoder) => drop(encoder.write_all(data)),
        }
    }

    /// What can be sent by now; with `all`, everything that was taken.
    pub fn take(&mut self, all: bool) -> Vec<u8> {
        match self {
            Self::Identity(out) => std::mem::take(out),
            Self::Gzip(encoder) => {
                if all {
                    let _ = encoder.flush();
                }
                std::mem::take(encoder.get_mut())
            }
        }
    }

    /// The rest.
    pub fn finish(&mut self) -> Vec<u8> {
        if let Self::Gzip(encoder) = self {
            let _ = encoder.try_finish();
        }
        self.take(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_codings_are_read() {
        for (accepts, expected) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5, br", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("br", false),
            ("", false),
            ("*", false),
        ] {
            assert_eq!(accepts_gzip(accepts), expected, "{accepts}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = "a line of text\n".repeat(10_000);
        let mut encoder = Encoder::new(true);
        let mut coded = Vec::new();
        for piece in text.as_bytes().chunks(1000) {
            encoder.feed(piece);
            coded.extend(encoder.take(true));
        }
        coded.extend(encoder.finish());
        let mut decoder = Decoder::new(Coding::Gzip);
        let mut out = Vec::new();
        for piece in coded.chunks(7) {
            decoder
                .feed::<NotCoded>(piece, |part| {
                    out.extend_from_slice(part);
                    Ok(())
                })
                .unwrap();
        }
        decoder.finish().unwrap();
        assert_eq!(out, text.as_bytes());
        let mut broken = Decoder::new(Coding::Gzip);
        let fed = broken.feed::<NotCoded>(b"{\"plain\":1}", |_| Ok(()));
        assert!(fed.is_err() || broken.finish().is_err());
        let mut short = Decoder::new(Coding::Gzip);
        let half = coded.get(..coded.len() / 2).unwrap();
        let fed = short.feed::<NotCoded>(half, |_| Ok(()));
        assert!(
            fed.is_err() || short.finish().is_err(),
            "a body that is cut"
        );
    }
}
