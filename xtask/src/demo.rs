//! `cargo xtask demo`: the sample shop behind the gateway, and a tour to copy and paste. `--check` walks the same
//! tour by itself and asserts each step.

use crate::{console, packages};
use anyhow::{Context, Result, bail, ensure};
use sluice_tests::browser::Browser;
use sluice_tests::cargo::Profile;
use sluice_tests::dev_idp::{DevIdp, RunningDevIdp};
use sluice_tests::process::{Running, printed, wait_for};
use sluice_tests::terminal::Terminal;
use sluice_tests::{Gateway, Postgres, Settings, cargo};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const READ: &str =
    r#"ada psql -c "SELECT id, name, email, phone, ssn, card FROM customers ORDER BY id LIMIT 3""#;
const DROP: &str = r#"ada psql -c "DROP DATABASE shop""#;
const DELETE: &str = r#"ada psql -c "DELETE FROM payments WHERE order_id = 1""#;
const EXPLAIN: &str = r#"admin explain --as user:ada --connection shop "DELETE FROM payments""#;
const VERIFY: &str = "admin audit verify";
const DISABLE: &str = "admin disable user:ada";

const WHO: &str = "kim sluice whoami";
const KIM_READS: &str = r#"kim sluice connect shop --account app -- psql -c "SELECT id, name, ssn FROM customers LIMIT 1""#;
/// The people of the development identity provider.
const PEOPLE: &str = "- {name: root, email: root@example.com, groups: [admins, dba]}\n\
                      - {name: kim, email: kim@example.com, groups: [engineering]}\n\
                      - {name: lee, email: lee@example.com, groups: []}\n";

/// The demo's servers while they run.
struct Demo {
    gateway: Gateway,
    _identity_provider: RunningDevIdp,
    // Outlives the gateway in front of it.
    _shop: Postgres,
    tour: PathBuf,
}

/// Runs until Ctrl-C.
pub fn run() -> Result<()> {
    let demo = Demo::start()?;
    print!("{}", demo.text());
    wait_for_interrupt()?;
    println!("\nstopping");
    Ok(())
}

/// Walks the tour.
pub fn check() -> Result<()> {
    let demo = Demo::start()?;
    demo.check_read()?;
    demo.check_refusal()?;
    demo.check_approval()?;
    demo.check_record()?;
    demo.check_switching_off()?;
    demo.check_sign_in()?;
    demo.check_console()?;
    println!("the tour holds");
    Ok(())
}

impl Demo {
    fn start() -> Result<Self> {
        packages::ensure(&[packages::BUILD, packages::CONSOLE, packages::POSTGRES])?;
        if let Err(error) = console::build() {
            eprintln!("the console was not built, the demo goes on without it: {error:#}");
        }
        eprintln!("building sluice (the first time takes some minutes) ...");
        cargo::sluice(Profile::Release)?;
        eprintln!("starting PostgreSQL with the sample shop ...");
        let shop = Postgres::start()?;
        eprintln!("starting the gateway ...");
        let identity_provider = DevIdp::place()?;
        let settings = Settings {
            profile: Profile::Release,
            ..Settings::default().resource("identity.yaml", &identity_provider.resource())
        };
        let gateway = Gateway::start(&shop, settings)?;
        let identity_provider = identity_provider.start(&gateway, PEOPLE)?;
        let tour = gateway.home().join("tour");
        fs::write(&tour, tour_file(&gateway)?)?;
        Ok(Self {
            gateway,
            _identity_provider: identity_provider,
            _shop: shop,
            tour,
        })
    }

    fn text(&self) -> String {
        let tour = self.tour.display();
        let console = format!("https://127.0.0.1:{}/console/", self.gateway.https_port);
        format!(
            r#"
The gateway is ready. In every terminal that you use for the tour, first:

    . {tour}

1. Ada, an engineer, reads. What is sensitive comes back masked.

    {READ}

2. What is forbidden is refused, by name, before the database sees a byte.

    {DROP}

3. What needs a colleague waits for one. This line stands still until it is approved:

    {DELETE}

   In a second terminal, Dana, of the database team, sees what it is and how much it touches, and approves:

    dana sluice approvals
    dana sluice approve ID

4. All of it is on record, which can be replayed, and proved untampered.

    admin sessions
    admin replay ID
    {VERIFY}

5. Leave a session of Ada's open (`ada psql`) and switch her off in the second terminal: the session ends at once.

    {DISABLE}

6. Kim is declared nowhere: she signs in at the identity provider (here one for development, which asks for no password)
   with her groups from there, and works with the same policies.

    kim sluice login --url $SLUICE_AT
    {WHO}
    {KIM_READS}

7. The console: open {console} in a browser (the certificate is the gateway's own) and sign in as root, who administers
   and is of the database team. Let the line of step 3 wait once more, and approve it there; then look at its session.

Also worth a look: what would be decided, without running anything.

    {EXPLAIN}

Ctrl-C ends the demo and removes everything it made.
"#
        )
    }

    /// A line of the tour, as typed.
    fn typed(&self, line: &str) -> Command {
        let mut command = Command::new("bash");
        command
            .arg("-c")
            .arg(format!(". {} && {line}", self.tour.display()))
            .stdin(Stdio::null());
        command
    }

    /// The console is there, unless it could not be built.
    fn check_console(&self) -> Result<()> {
        let page = self.gateway.https("/console/")?;
        let expected = match console::is_built() {
            true => "id=\"root\"",
            false => "without its web console",
        };
        ensure!(page.contains(expected), "expected {expected}, got {page}");
        Ok(())
    }

    fn check_read(&self) -> Result<()> {
        let shown = step(READ, printed(&mut self.typed(READ)))?;
        ensure!(
            shown.contains("(3 rows)"),
            "expected three rows, got:\n{shown}"
        );
        ensure!(
            shown.contains("**-****-") || shown.contains("***-**-"),
            "expected masked numbers, got:\n{shown}"
        );
        ensure!(
            !shown.contains("@example.com"),
            "expected no address in clear, got:\n{shown}"
        );
        Ok(())
    }

    fn check_refusal(&self) -> Result<()> {
        let output = self.typed(DROP).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        println!("$ {DROP}\n{said}");
        ensure!(!output.status.success(), "expected a refusal");
        ensure!(
            said.contains("DROP DATABASE never runs through the gateway"),
            "expected the policy's message"
        );
        Ok(())
    }

    fn check_approval(&self) -> Result<()> {
        let log = self.gateway.home().join("held");
        let screen = fs::File::create(&log)?;
        let mut typed = self.typed(DELETE);
        typed.stdout(screen.try_clone()?).stderr(screen);
        let mut held = Running::start(&mut typed, "TERM")?;
        let id = wait_for("the held DELETE among the approvals", || {
            let listed = printed(&mut self.typed("dana sluice approvals"))?;
            let id = listed
                .split_whitespace()
                .find(|word| word.starts_with("a-"));
            Ok(id.map(str::to_owned))
        })?;
        ensure!(held.ended()?.is_none(), "expected the DELETE to wait");
        let by_herself = self.typed(&format!("ada sluice approve {id}")).output()?;
        ensure!(
            !by_herself.status.success(),
            "expected that nobody approves their own request"
        );
        let line = format!("dana sluice approve {id}");
        step(&line, printed(&mut self.typed(&line)))?;
        let status = held.wait(sluice_tests::process::PATIENCE)?;
        let said = fs::read_to_string(&log)?;
        println!("$ {DELETE}\n{said}");
        ensure!(
            status.success() && said.contains("DELETE 1"),
            "expected one deleted row, got:\n{said}"
        );
        Ok(())
    }

    fn check_record(&self) -> Result<()> {
        let listed = step("admin sessions", printed(&mut self.typed("admin sessions")))?;
        let ids = listed
            .split_whitespace()
            .filter(|word| word.starts_with("s-"));
        let mut replayed = String::new();
        for id in ids {
            replayed.push_str(&printed(&mut self.typed(&format!("admin replay {id}")))?);
        }
        for statement in [
            "SELECT id, name, email",
            "DROP DATABASE shop",
            "DELETE FROM payments",
        ] {
            ensure!(
                replayed.contains(statement),
                "expected {statement} in the records:\n{replayed}"
            );
        }
        ensure!(
            !replayed.contains("@example.com"),
            "expected records as the caller saw the answers"
        );
        step(VERIFY, printed(&mut self.typed(VERIFY)))?;
        Ok(())
    }

    fn check_switching_off(&self) -> Result<()> {
        let line = format!("bash -c '. {} && ada psql'", self.tour.display());
        let mut terminal = Terminal::start(&line, &[])?;
        terminal.expect("shop=")?;
        terminal.send("SELECT count(*) FROM orders;\n")?;
        terminal.expect("600")?;
        step(DISABLE, printed(&mut self.typed(DISABLE)))?;
        wait_for("the end of Ada's session", || {
            let live = printed(&mut self.typed("admin sessions --live"))?;
            Ok((!live.contains("user:ada")).then_some(()))
        })?;
        terminal.send("SELECT count(*) FROM orders;\n")?;
        let said = terminal
            .expect("the session was ended")
            .context("expected that psql is told why")?;
        println!("{said}");
        let again = self.typed(READ).output()?;
        ensure!(
            !again.status.success(),
            "expected that Ada cannot connect again"
        );
        Ok(())
    }
}

impl Demo {
    /// Kim's browser, without a screen.
    fn check_sign_in(&self) -> Result<()> {
        const LOGIN: &str = "kim sluice login --url $SLUICE_AT";
        println!("$ {LOGIN}");
        let said = self.gateway.home().join("login");
        let screen = fs::File::create(&said)?;
        let mut typed = self.typed(LOGIN);
        typed.env("BROWSER", "true").stderr(screen);
        let mut login = Running::start(&mut typed, "TERM")?;
        let page = wait_for("the page to sign in at", || {
            let text = fs::read_to_string(&said)?;
            let mut lines = text.lines().map(str::trim);
            let page = lines.find(|line| line.starts_with("https://"));
            Ok(page.filter(|_| text.ends_with("\n\n")).map(str::to_owned))
        })?;
        let browser = Browser::new(&self.gateway)?;
        let choice = browser.open(&page)?;
        let asked = browser.submit(&choice.url, &[("user", "kim")])?;
        browser.submit(&asked.url, &[("decision", "allow")])?;
        ensure!(
            login.wait(sluice_tests::process::PATIENCE)?.success(),
            "expected that Kim is signed in"
        );
        let who = step(WHO, printed(&mut self.typed(WHO)))?;
        ensure!(
            who.contains("user:kim") && who.contains("engineering"),
            "expected Kim with her groups"
        );
        let read = step(KIM_READS, printed(&mut self.typed(KIM_READS)))?;
        ensure!(
            read.contains("***-**-"),
            "expected masked numbers, got:\n{read}"
        );
        Ok(())
    }
}

/// Shows a line with what it printed.
fn step(line: &str, printed: Result<String>) -> Result<String> {
    let shown = printed?;
    println!("$ {line}\n{shown}");
    Ok(shown)
}

/// What the terminals of the tour source: one function per person, and where the gateway is.
fn tour_file(gateway: &Gateway) -> Result<String> {
    let mut text = format!(
        "export PGHOST=localhost PGPORT={} PGDATABASE=shop PGUSER=app PGSSLMODE=verify-full PGSSLROOTCERT='{}' PGGSSENCMODE=disable\n\
         export SLUICE_CA='{}' PAGER=cat\n",
        gateway.port,
        gateway.authority().display(),
        gateway.authority().display(),
    );
    let binary = gateway.binary().display();
    let Some(folder) = gateway.binary().parent() else {
        bail!("{binary} stands in no folder");
    };
    text.push_str(&format!("export PATH='{}':$PATH\n", folder.display()));
    for name in ["ada", "dana"] {
        let token = gateway.token(&format!("user:{name}"))?;
        text.push_str(&format!(
            "{name}() {{ SLUICE_URL=https://localhost:{} SLUICE_TOKEN='{token}' PGPASSWORD='{token}' \"$@\"; }}\n",
            gateway.https_port
        ));
    }
    text.push_str(&format!(
        "export SLUICE_AT=https://127.0.0.1:{}\nkim() {{ env -u SLUICE_URL -u SLUICE_TOKEN HOME='{}' XDG_CONFIG_HOME= \"$@\"; }}\n",
        gateway.https_port,
        gateway.home().display()
    ));
    text.push_str(&format!(
        "admin() {{ env -u SLUICE_URL -u SLUICE_TOKEN sluice --config '{}' \"$@\"; }}\n",
        gateway.home().join("sluice.yaml").display()
    ));
    Ok(text)
}

/// Waits for Ctrl-C or a request to end, so that everything started is stopped in order.
fn wait_for_interrupt() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        Ok(())
    })
}
