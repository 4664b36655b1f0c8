//! COPY data from the client, passed on as it comes: one message may be larger than any buffer.

use super::session::{End, Session, Skip};
use bytes::Buf as _;
use sluice_protocol::postgres::FrontendTag;
use sluice_protocol::postgres::frame::{HEADER_LEN, Header};

/// What is still to come of a CopyData message whose beginning was taken from the client.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CopyRest {
    /// Bytes of its body that were not taken yet.
    left: usize,
    /// Its beginning was forwarded, so its end must be.
    forwarded: bool,
}

impl CopyRest {
    /// The client's next bytes belong to a message that began earlier.
    pub(super) fn is_open(self) -> bool {
        self.left > 0
    }
}

impl Session {
    /// Takes the beginning of a CopyData message that is there only in part. `false`: it has to wait.
    pub(super) fn begin_copy_data(&mut self, header: Header<FrontendTag>) -> Result<bool, End> {
        if header.tag != FrontendTag::CopyData || !self.settled(header.tag)? {
            return Ok(false);
        }
        let begun = self.client.inbox.split_to(HEADER_LEN);
        // Outside COPY a server reads over it; here it does not even reach it.
        let forwarded = self.copy_in && self.skip == Skip::No;
        if forwarded {
            self.target.outbox.extend_from_slice(&begun);
        }
        self.copy_rest = CopyRest {
            left: header.len,
            forwarded,
        };
        Ok(true)
    }

    /// Passes on what is there of the message that is under way, whatever became of the COPY meanwhile: the
    /// target has to read it to its end. `false`: nothing is there.
    pub(super) fn pass_copy_data(&mut self) -> bool {
        let inbox = &mut self.client.inbox;
        let here = inbox.get(..self.copy_rest.left).unwrap_or(inbox);
        if self.copy_rest.forwarded {
            self.target.outbox.extend_from_slice(here);
        }
        let taken = here.len();
        inbox.advance(taken);
        self.copy_rest.left -= taken;
        taken > 0
    }
}
