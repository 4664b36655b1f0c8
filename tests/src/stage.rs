//! The usual stage of a test: a server of its own, the gateway before it, and a tap in between.

use crate::target::Tap;
use crate::wire::{PLAINTEXT, Wire};
use crate::{Gateway, Postgres, Settings};
use anyhow::Result;

/// A gateway before a server with the sample, and `user:ada`, who may read it.
#[derive(Debug)]
pub struct Stage {
    /// The gateway.
    pub gateway: Gateway,
    /// Between the gateway and the server: what is sent to the target.
    pub tap: Tap,
    /// The server.
    pub shop: Postgres,
    /// The user's token.
    pub token: String,
}

impl Stage {
    /// Starts all of it; clients may come without TLS.
    ///
    /// # Errors
    /// Something of it does not start.
    pub fn start(settings: Settings) -> Result<Self> {
        let shop = Postgres::start()?;
        let tap = Tap::start(Some(shop.port()))?;
        let settings = Settings {
            config: PLAINTEXT.to_owned(),
            target_port: Some(tap.port()),
            ..settings
        };
        let gateway = Gateway::start(&shop, settings)?;
        let token = gateway.token("user:ada")?;
        Ok(Self {
            gateway,
            tap,
            shop,
            token,
        })
    }

    /// A session of the user's by hand.
    ///
    /// # Errors
    /// It is refused.
    pub fn login(&self) -> Result<Wire> {
        Wire::login(self.gateway.port, &self.token)
    }
}
