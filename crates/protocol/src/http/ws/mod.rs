//! WebSocket frames (RFC 6455) as bytes in and bytes out, for a proxy that reads messages on their way.
//!
//! Nothing here opens a socket, decides or keeps time. No extension is negotiated, so that the reserved bits are
//! always zero. `frame` reads a frame's header, `reader` makes messages of frames, whole or piece by piece,
//! `close` and `utf8` check what they must contain, `encode` writes frames, and `key` checks the handshake's key.

mod close;
mod encode;
mod frame;
mod key;
mod mask;
mod reader;
#[cfg(test)]
mod reader_tests;
mod utf8;
mod violation;

pub use close::is_close_code;
pub use encode::{CannotWrite, write_close, write_frame};
pub use frame::Opcode;
pub use key::is_key;
pub use reader::{Delivery, Event, FrameReader, Kind, Message};
pub use violation::Violation;

/// The most bytes of one frame's payload. Browsers and servers send frames of at most a few MiB; what is larger
/// comes in several.
pub const MAX_FRAME: usize = 16 * 1024 * 1024;

/// The most bytes of a message that is held whole, so that one session cannot take more of the gateway's memory.
pub const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// The most bytes of a control frame's payload (RFC 6455, 5.5).
pub const MAX_CONTROL: usize = 125;

/// Which end sends the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Who opened the connection; its frames are masked.
    Client,
    /// The other end; its frames are not masked.
    Server,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}
