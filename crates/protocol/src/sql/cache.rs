//! Remembers what was read, by text and by shape.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock};

use super::shape::shape_of;
use super::{ReadError, ReadOptions, Script, read};

/// Locks that readers of different texts do not share. A few more than a large machine has cores busy here.
const SHARDS: usize = 32;

/// The most bytes of text in one half of a shard: 32 x 2 x 256 KiB = 16 MiB of texts in all, and
/// about ten times that for what was read from them.
const MAX_SHARD_BYTES: usize = 256 << 10;

/// The most texts in one half of a shard: 64 Ki in all.
const MAX_SHARD_ENTRIES: usize = 1 << 10;

/// Longer texts are read anew each time: they are rarely repeated, and would push out many others.
const MAX_CACHED_BYTES: usize = 64 << 10;

/// Two halves: when the younger is full it becomes the elder, and what the elder held is forgotten unless it was
/// asked for in the meantime.
#[derive(Debug, Default)]
struct Shard {
    young: HashMap<Box<str>, Arc<Script>>,
    old: HashMap<Box<str>, Arc<Script>>,
    young_bytes: usize,
}

impl Shard {
    fn insert(&mut self, text: &str, script: Arc<Script>) {
        if self.young.len() >= MAX_SHARD_ENTRIES || self.young_bytes + text.len() > MAX_SHARD_BYTES
        {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(text.into(), script).is_none() {
            self.young_bytes += text.len();
        }
    }
}

/// Reads texts and remembers what it read. Shared by all sessions.
#[derive(Debug)]
pub struct Reader {
    hasher: RandomState,
    texts: Vec<RwLock<Shard>>,
    shapes: Vec<RwLock<Shard>>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

thread_local! {
    /// The shape of the text at hand, so that making one allocates nothing.
    static SHAPE: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Reader {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        let shards = || (0..SHARDS).map(|_| RwLock::default()).collect();
        Self {
            hasher: RandomState::new(),
            texts: shards(),
            shapes: shards(),
        }
    }

    /// Reads a text, or finds that it (or one that differs in plain literals only) was read before. The same
    /// `Arc` is handed out for the same reading, so that what is derived from it can be kept by its address.
    ///
    /// A text that is new is read on the spot, which takes about 0.1 ms per KiB: callers that share their thread
    /// hand over large ones.
    ///
    /// # Errors
    /// See [`ReadError`]; every error is a refusal.
    pub fn read(&self, text: &str, options: ReadOptions) -> Result<Arc<Script>, ReadError> {
        // Sessions with settings of their own are rare, and their texts would mean something else here.
        if options != ReadOptions::default() || text.len() > MAX_CACHED_BYTES {
            return read(text, options).map(Arc::new);
        }
        if let Some(script) = self.find(&self.texts, text) {
            return Ok(script);
        }
        SHAPE.with_borrow_mut(|shape| {
            let has_shape = shape_of(text, shape);
            if has_shape && let Some(script) = self.find(&self.shapes, shape) {
                return Ok(script);
            }
            let script = Arc::new(read(text, options)?);
            if has_shape && script.is_alike_for_all_literals() {
                self.keep(&self.shapes, shape, &script);
            } else {
                self.keep(&self.texts, text, &script);
            }
            Ok(script)
        })
    }

    fn shard<'r>(&self, shards: &'r [RwLock<Shard>], text: &str) -> Option<&'r RwLock<Shard>> {
        let hash = usize::try_from(self.hasher.hash_one(text) >> 32).unwrap_or(0);
        shards.get(hash % SHARDS)
    }

    fn find(&self, shards: &[RwLock<Shard>], text: &str) -> Option<Arc<Script>> {
        let shard = self.shard(shards, text)?;
        let elder = {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(script) = shard.young.get(text) {
                return Some(Arc::clone(script));
            }
            shard.old.get(text).map(Arc::clone)
        }?;
        shard
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(text, Arc::clone(&elder));
        Some(elder)
    }

    fn keep(&self, shards: &[RwLock<Shard>], text: &str, script: &Arc<Script>) {
        if let Some(shard) = self.shard(shards, text) {
            shard
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(text, Arc::clone(script));
        }
    }
}
