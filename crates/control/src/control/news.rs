//! What changed, by topic, for pages that stay open: they ask again for what they show.

use tokio::sync::broadcast;

/// Topics that may wait for a reader; one that is slower is told of all of them.
const AHEAD: usize = 64;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Topic {
    Approvals,
    Sessions,
    Operations,
    Resources,
    Principals,
    Log,
    Health,
}

impl Topic {
    pub(crate) const ALL: [Self; 7] = [
        Self::Approvals,
        Self::Sessions,
        Self::Operations,
        Self::Resources,
        Self::Principals,
        Self::Log,
        Self::Health,
    ];

    /// As the API calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Approvals => "approvals",
            Self::Sessions => "sessions",
            Self::Operations => "operations",
            Self::Resources => "resources",
            Self::Principals => "principals",
            Self::Log => "log",
            Self::Health => "health",
        }
    }
}

/// Tells whoever listens. Clones tell the same.
#[derive(Debug, Clone)]
pub(super) struct News(broadcast::Sender<Topic>);

impl Default for News {
    fn default() -> Self {
        Self(broadcast::Sender::new(AHEAD))
    }
}

impl News {
    pub(super) fn tell(&self, topic: Topic) {
        // Nobody listens most of the time.
        let _ = self.0.send(topic);
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Topic> {
        self.0.subscribe()
    }
}
