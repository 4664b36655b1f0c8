//! HTTP/1.1 and WebSocket as bytes in and bytes out, and what requests mean: paths, actions, facts, and masking of bodies.
//!
//! Nothing here opens a socket, decides or keeps time. HTTP/2's frames are a library's; what they carry is read by the
//! same rules.

pub mod actions;
pub mod client;
pub mod fields;
pub mod h1;
pub mod mask;
pub mod openapi;
pub mod path;
pub mod settings;
pub mod sigv4;
pub mod ws;
