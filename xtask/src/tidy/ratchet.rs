//! The ratchet: sizes above their limit that are known. None may grow, and no new one may come.

use crate::shell;
use anyhow::Result;
use std::collections::BTreeMap;
use std::fs;

const FILE: &str = "xtask/ratchet.txt";

/// One measured size.
pub struct Size {
    /// What was measured, such as `function crates/a/src/b.rs::name`.
    pub key: String,
    /// How much it is.
    pub size: usize,
    /// How much it may be.
    pub limit: usize,
    /// What to do about one that is too big.
    pub advice: &'static str,
}

/// The known sizes above their limit.
pub struct Ratchet(BTreeMap<String, usize>);

impl Ratchet {
    /// The ratchet as committed; none is an empty one.
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string(shell::root().join(FILE)).unwrap_or_default();
        let known = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let (key, size) = line.rsplit_once(' ')?;
                Some((key.to_owned(), size.parse().ok()?))
            })
            .collect();
        Ok(Self(known))
    }

    /// What is above both its limit and its known size, and what is known without need.
    pub fn judge(&self, sizes: &[Size]) -> Vec<String> {
        let mut problems = Vec::new();
        for Size {
            key,
            size,
            limit,
            advice,
        } in sizes
        {
            let allowed = self.0.get(key).copied().unwrap_or(*limit).max(*limit);
            if *size > allowed {
                problems.push(format!(
                    "{key}: {size}, expected at most {allowed}; {advice}"
                ));
            }
        }
        let too_big = |key: &str| {
            sizes
                .iter()
                .any(|size| size.key == key && size.size > size.limit)
        };
        for key in self.0.keys().filter(|key| !too_big(key)) {
            problems.push(format!(
                "{key}: no longer too big; run `cargo xtask tidy --write`"
            ));
        }
        problems
    }

    /// Keeps the sizes that are above their limit now.
    pub fn write(sizes: &[Size]) -> Result<()> {
        let known: BTreeMap<&str, usize> = sizes
            .iter()
            .filter(|size| size.size > size.limit)
            .map(|size| (size.key.as_str(), size.size))
            .collect();
        let mut text = String::from(
            "# Sizes above their limit that are known. They may only shrink (cargo xtask tidy --write).\n",
        );
        for (key, size) in known {
            text.push_str(&format!("{key} {size}\n"));
        }
        fs::write(shell::root().join(FILE), text)?;
        Ok(())
    }
}
