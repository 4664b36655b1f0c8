//! When the store fails: live sessions keep what they have for the stated grace and then end, new ones are refused,
//! and nothing runs that would need an approval.

use sluice_tests::process::{Running, checked, wait_for};
use sluice_tests::target::Tap;
use sluice_tests::wire::{PLAINTEXT, Wire, query, sqlstates, tags};
use sluice_tests::{Gateway, Postgres, Settings};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

struct Stage {
    gateway: Gateway,
    tap: Tap,
    shop: Postgres,
    ada: String,
}

fn stage(grace_seconds: u32) -> Stage {
    let shop = Postgres::start().unwrap();
    let tap = Tap::start(Some(shop.port())).unwrap();
    let settings = Settings {
        config: format!("{PLAINTEXT}grace_seconds: {grace_seconds}\n"),
        target_port: Some(tap.port()),
        ..Settings::default()
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
    let ada = gateway.token("user:ada").unwrap();
    Stage {
        gateway,
        tap,
        shop,
        ada,
    }
}

impl Stage {
    fn login(&self) -> anyhow::Result<Wire> {
        Wire::login(self.gateway.port, &self.ada)
    }

    fn store(&self) -> PathBuf {
        self.gateway.home().join("data/sluice.db")
    }

    /// Waits until the gateway has noticed.
    fn wait_until_ready(&self, ready: bool) {
        wait_for("the gateway to notice", || {
            Ok((self.gateway.https("/readyz").is_ok() == ready).then_some(()))
        })
        .unwrap();
    }
}

/// A way for the store to fail, which ends when this is dropped.
enum Failure {
    Moved { store: PathBuf, aside: PathBuf },
    Overwritten { store: PathBuf, kept: Vec<u8> },
    Locked { _by: (Running, ChildStdin) },
}

impl Failure {
    fn removed(store: &Path) -> Self {
        let aside = store.with_extension("aside");
        std::fs::rename(store, &aside).unwrap();
        Self::Moved {
            store: store.to_owned(),
            aside,
        }
    }

    fn replaced(store: &Path) -> Self {
        let failure = Self::removed(store);
        let Self::Moved { aside, .. } = &failure else {
            unreachable!()
        };
        std::fs::copy(aside, store).unwrap();
        failure
    }

    /// Its first page is nonsense; the file itself stays.
    fn overwritten(store: &Path) -> Self {
        let kept = std::fs::read(store).unwrap();
        let mut broken = kept.clone();
        broken[..4096].fill(b'x');
        write_over(store, &broken);
        Self::Overwritten {
            store: store.to_owned(),
            kept,
        }
    }

    /// Another process holds the lock for changes.
    fn locked(store: &Path) -> Self {
        let hold = "import sqlite3, sys\n\
            held = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
            held.execute('BEGIN IMMEDIATE')\n\
            print('held', flush=True)\n\
            sys.stdin.read()\n";
        let mut command = Command::new("python3");
        command
            .args(["-c", hold])
            .arg(store)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut by = Running::start(&mut command, "KILL").unwrap();
        let (input, output) = by.pipes().unwrap();
        let mut said = String::new();
        BufReader::new(output).read_line(&mut said).unwrap();
        assert_eq!(said, "held\n");
        Self::Locked { _by: (by, input) }
    }
}

/// Makes the store at this path fail.
type Fail = fn(&Path) -> Failure;

/// Writes into the same file, without cutting it first.
fn write_over(store: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().write(true).open(store).unwrap();
    file.write_all(bytes).unwrap();
}

impl Drop for Failure {
    fn drop(&mut self) {
        match self {
            Self::Moved { store, aside } => std::fs::rename(aside, store).unwrap(),
            Self::Overwritten { store, kept } => write_over(store, kept),
            Self::Locked { .. } => {}
        }
    }
}

#[test]
fn without_the_store_nobody_new_comes_in_and_live_sessions_keep_what_they_have() {
    let ways: [(&str, Fail); 4] = [
        ("removed", Failure::removed),
        ("replaced", Failure::replaced),
        ("overwritten", Failure::overwritten),
        ("locked", Failure::locked),
    ];
    let stage = stage(600);
    let mut live = stage.login().unwrap();
    live.query("SELECT 1").unwrap();
    for (way, fail) in ways {
        let failure = fail(&stage.store());
        stage.wait_until_ready(false);
        let (bytes, connections) = (stage.tap.bytes(), stage.tap.connections());
        let refused = stage.login().unwrap_err().to_string();
        assert!(refused.contains("store"), "{way}: {refused}");
        assert_eq!(
            (stage.tap.bytes(), stage.tap.connections()),
            (bytes, connections),
            "{way}: nothing of the refused login reached the target"
        );
        assert_eq!(tags(&live.query("SELECT 2").unwrap()), "TDCZ", "{way}");
        // What would wait for an approval is refused: nobody could give one.
        let delete = format!("DELETE FROM payments WHERE order_id = 1 -- {way}");
        let answers = live.query(&delete).unwrap();
        assert_eq!(tags(&answers), "EZ", "{way}");
        assert!(!stage.shop.ran(&delete).unwrap(), "{way}");
        // Switching somebody off is an error that whoever does it sees, and not a promise.
        let disabled = stage.gateway.sluice(&["disable", "user:farid"]).output();
        assert!(!disabled.unwrap().status.success(), "{way}");
        drop(failure);
        stage.wait_until_ready(true);
        let mut next = stage.login().unwrap();
        assert_eq!(tags(&next.query("SELECT 3").unwrap()), "TDCZ", "{way}");
    }
    checked(&mut stage.gateway.sluice(&["audit", "verify"])).unwrap();
}

#[test]
fn after_the_grace_live_sessions_end_and_nothing_of_them_runs() {
    let grace = 2;
    let stage = stage(grace);
    let mut idle = stage.login().unwrap();
    let mut busy = stage.login().unwrap();
    let mut held = stage.login().unwrap();
    let delete = "DELETE FROM payments WHERE order_id = 1";
    held.raw(&query(delete).unwrap()).unwrap();
    stage.gateway.pending_approval().unwrap();
    let long = "SELECT a.id FROM customers a, customers b, customers c, orders d";
    busy.raw(&query(long).unwrap()).unwrap();
    while busy.read().unwrap().unwrap().tag != 'D' {}
    let failed = Instant::now();
    let failure = Failure::removed(&stage.store());
    // Each is read to its end: what it is told, and that it was told no sooner than the grace.
    for (which, wire) in [
        ("idle", &mut idle),
        ("busy", &mut busy),
        ("held", &mut held),
    ] {
        let mut last = None;
        while let Ok(Some(message)) = wire.read() {
            if message.tag == 'E' {
                last = Some(message);
            }
        }
        let after = failed.elapsed();
        assert!(
            after >= Duration::from_secs(grace.into()),
            "{which}: {after:?}"
        );
        // One beat to notice, the grace, one beat to act, and the second that a change may take.
        let most = Duration::from_secs(u64::from(grace) + 4);
        assert!(after < most, "{which}: {after:?}");
        let fields = last
            .unwrap_or_else(|| panic!("{which} was not told"))
            .fields();
        assert_eq!(fields[&'C'], "57P01", "{which}: {fields:?}");
        assert!(fields[&'M'].contains("store"), "{which}: {fields:?}");
    }
    stage.login().unwrap_err();
    assert!(!stage.shop.ran(delete).unwrap(), "what waited did not run");
    drop(failure);
    stage.wait_until_ready(true);
    assert_eq!(
        tags(&stage.login().unwrap().query("SELECT 1").unwrap()),
        "TDCZ"
    );
}

#[test]
fn an_approval_that_cannot_be_kept_is_not_given() {
    let stage = stage(600);
    let dana = stage.gateway.token("user:dana").unwrap();
    let mut wire = stage.login().unwrap();
    let delete = "DELETE FROM payments WHERE order_id = 1";
    wire.raw(&query(delete).unwrap()).unwrap();
    let id = stage.gateway.pending_approval().unwrap();
    let failure = Failure::locked(&stage.store());
    let approve = ["approve", &id];
    let approved = stage.gateway.sluice_as(&dana, &approve).output().unwrap();
    assert!(!approved.status.success());
    assert!(!stage.shop.ran(delete).unwrap());
    drop(failure);
    stage.wait_until_ready(true);
    checked(&mut stage.gateway.sluice_as(&dana, &approve)).unwrap();
    let answers = wire.until_ready().unwrap();
    assert_eq!(sqlstates(&answers), [""; 0]);
    assert!(stage.shop.ran(delete).unwrap());
}
