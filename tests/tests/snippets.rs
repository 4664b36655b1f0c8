//! What the console shows under "How to connect", pasted as it is shown. The console's own code makes it, for a gateway
//! that runs, and the clients are real ones that verify its certificate.

use anyhow::{Context, Result, ensure};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};
use sluice_tests::postgres::Postgres;
use sluice_tests::process::{free_port, printed};
use sluice_tests::terminal::Terminal;
use sluice_tests::web::Script;
use sluice_tests::{Gateway, Settings, cargo, clients};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Those that are tried by hand, because what they need is too large for every run: docs/console.md says which.
const BY_HAND: &[&str] = &["jdbc", "go", "rust", "gui"];
/// What is asked of a database.
const SQL: &str = "select current_user;\n";
/// A database with everything in its name that somebody reads in their own way.
const ODD: &str = r"it's a:db\ $x";
/// Where the snippets for older clients say that the system's authorities are.
const DEBIAN: &str = "/etc/ssl/certs/ca-certificates.crt";
const SERVICE_SAYS: &str = "hello of the service";

struct Snippet {
    code: String,
    title: Option<String>,
    file: Option<String>,
}

impl Snippet {
    fn of(shown: &Value) -> Self {
        let text = |name: &str| shown[name].as_str().map(str::to_owned);
        Self {
            code: text("code").unwrap_or_default(),
            title: text("title"),
            file: text("file"),
        }
    }
}

struct Client {
    id: String,
    snippets: Vec<Snippet>,
}

impl Client {
    fn of(shown: &Value) -> Self {
        let snippets = shown["snippets"].as_array().into_iter().flatten();
        Self {
            id: shown["id"].as_str().unwrap_or_default().to_owned(),
            snippets: snippets.map(Snippet::of).collect(),
        }
    }
}

/// What a gateway stands in front of, and whom it lets in.
struct World {
    shop: Postgres,
    service: Script,
    gateway: Gateway,
    token: String,
    /// Where its certificate is of an authority that systems trust: that one.
    public: Option<PathBuf>,
    _papers: TempDir,
}

impl World {
    fn start(public: bool) -> Result<Self> {
        let shop = Postgres::start()?;
        shop.superuser_sql(&format!("CREATE DATABASE \"{ODD}\""))?;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{SERVICE_SAYS}",
            SERVICE_SAYS.len()
        );
        let service = Script::start(move |received| {
            received
                .ends_with(b"\r\n\r\n")
                .then(|| answer.clone().into_bytes())
        })?;
        let papers = TempDir::new()?;
        let listeners = format!(
            "listeners: [{{connection: Shop-2.eu_west, address: '127.0.0.1:{}'}}, \
             {{connection: Own-1.x_y, address: '127.0.0.1:{}'}}]\n",
            free_port()?,
            free_port()?
        );
        let (authority, config) = match public {
            true => {
                let (authority, tls) = certificate(papers.path())?;
                (Some(authority), format!("{listeners}{tls}"))
            }
            false => (None, listeners),
        };
        let secret = |name: &str| (format!("{name}_SECRET"), format!("secret-of-{name}"));
        let settings = Settings {
            config,
            authority: authority.clone(),
            environment: vec![secret("SVC"), secret("OTHER")],
            ..Settings::default()
                .policies("@id(\"all\") permit (principal, action, resource);")
                .resource("more.yaml", &more_connections(shop.port(), service.port()))
        };
        let gateway = Gateway::start(&shop, settings)?;
        let token = gateway.token("user:ada")?;
        Ok(Self {
            shop,
            service,
            gateway,
            token,
            public: authority,
            _papers: papers,
        })
    }

    /// How often this was asked as this role in this database.
    fn asked(&self, role: &str, database: &str) -> Result<usize> {
        let who = format!(" {role}@{database} ");
        let log = self.shop.log()?;
        let lines = log
            .lines()
            .filter(|line| line.contains(&who) && line.contains("select current_user"));
        Ok(lines.count())
    }

    /// How often the service's first page was asked for with this account's secret.
    fn visited(&self, account: &str) -> usize {
        let secret = format!("authorization: Bearer secret-of-{account}\r\n");
        let all = self.service.received().concat();
        let requests = all.split("\r\n\r\n").map(|head| format!("{head}\r\n"));
        requests
            .filter(|head| head.starts_with("GET / ") && head.contains(&secret))
            .count()
    }

    fn list(&self) -> Result<Value> {
        let text = printed(
            Command::new("curl")
                .args(["-sS", "--fail", "--cacert"])
                .arg(self.gateway.authority())
                .args(["--oauth2-bearer", &self.token])
                .arg(format!(
                    "https://127.0.0.1:{}/v1/connections",
                    self.gateway.https_port
                )),
        )?;
        Ok(serde_json::from_str(&text)?)
    }

    /// What the page of a connection shows to whoever has the console open at this host.
    fn shown(&self, connection: &str, here: &str, choice: Value) -> Result<Vec<Client>> {
        let vite = cargo::root().join("web/node_modules/vite");
        ensure!(
            vite.is_dir(),
            "the console's packages are needed; run `npm ci --ignore-scripts` in web/"
        );
        let mut list = self.list()?;
        if here == "localhost" {
            // As one says it that listens everywhere: where the console is, is where the rest is.
            let everywhere = list.to_string().replace("\"127.0.0.1:", "\"0.0.0.0:");
            list = serde_json::from_str(&everywhere)?;
        }
        let mut facts = choice;
        facts["here"] = format!("https://{here}:{}", self.gateway.https_port).into();
        facts["connection"] = connection.into();
        facts["list"] = list;
        let made = printed(
            Command::new("node")
                .arg(cargo::root().join("tests/clients/snippets.mjs"))
                .arg(facts.to_string()),
        )
        .context("node is needed; install npm")?;
        let made: Vec<Value> = serde_json::from_str(&made)?;
        Ok(made.iter().map(Client::of).collect())
    }
}

/// Further connections: with odd names, and with a listener of their own.
fn more_connections(shop: u16, service: u16) -> String {
    let bearer = |name: &str| format!("credential: {{bearer: {{token: {{env: {name}_SECRET}}}}}}");
    let (svc, other) = (bearer("SVC"), bearer("OTHER"));
    format!(
        "kind: Connection\nname: Shop-2.eu_west\nprotocol: postgres\nenvironment: prod\n\
         target: {{address: '127.0.0.1:{shop}', database: shop, tls: disable}}\n\
         accounts: [{{name: a$b, username: shop_app, password: {{env: SHOP_APP_PASSWORD}}}}]\n\
         ---\nkind: Connection\nname: reports\nprotocol: http\nenvironment: prod\n\
         target: {{address: '127.0.0.1:{service}', tls: disable}}\n\
         accounts: [{{name: svc, {svc}}}, {{name: o$x, {other}}}]\n\
         ---\nkind: Connection\nname: Own-1.x_y\nprotocol: http\nenvironment: prod\n\
         target: {{address: '127.0.0.1:{service}', tls: disable}}\n\
         accounts: [{{name: svc, {svc}}}]\n"
    )
}

/// A certificate for an address alone, as a company or a public authority issues it, and the line that names it.
fn certificate(folder: &Path) -> Result<(PathBuf, String)> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "an authority");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate()?;
    let authority = folder.join("authority.pem");
    fs::write(&authority, params.self_signed(&key)?.pem())?;
    let issuer = Issuer::new(params, key);
    // Without "localhost", with which clients are not to compare where the host is an address.
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()])?;
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let (cert_file, key_file) = (folder.join("tls.crt"), folder.join("tls.key"));
    fs::write(&cert_file, params.signed_by(&key, &issuer)?.pem())?;
    fs::write(&key_file, key.serialize_pem())?;
    let tls = json!({"cert_file": cert_file, "key_file": key_file});
    Ok((authority, format!("tls: {tls}\n")))
}

/// Where somebody pastes into: a folder with the file that the page offers, a home, and no settings of their own.
struct Desk<'w> {
    world: &'w World,
    folder: TempDir,
}

impl<'w> Desk<'w> {
    fn new(world: &'w World, python: &Path) -> Result<Self> {
        let folder = TempDir::new()?;
        fs::create_dir(folder.path().join("home"))?;
        if let Some(pem) = world.list()?["ca_pem"].as_str() {
            fs::write(folder.path().join("sluice-ca.pem"), pem)?;
        }
        // What the snippets that are headed "once" would make.
        let environment = python.ancestors().nth(2).context("it is in bin")?;
        symlink(environment, folder.path().join("venv"))?;
        symlink(clients::node_modules()?, folder.path().join("node_modules"))?;
        let desk = Self { world, folder };
        desk.command("https", "httpie")?;
        if let Some(authority) = &world.public {
            // The list of public authorities has the one of this gateway as well, then.
            let list = format!("def where():\n    return {:?}\n", authority);
            desk.write("certifi.py", &list)?;
        }
        Ok(desk)
    }

    /// A command as pip installs it. Those of the environment itself name the place where it was made.
    fn command(&self, name: &str, module: &str) -> Result<()> {
        let python = self.path("venv/bin/python");
        let text = format!("#!/bin/sh\nexec {} -m {module} \"$@\"\n", python.display());
        self.write(name, &text)?;
        Ok(fs::set_permissions(
            self.path(name),
            Permissions::from_mode(0o755),
        )?)
    }

    fn path(&self, name: &str) -> PathBuf {
        match name.strip_prefix("~/") {
            Some(name) => self.folder.path().join("home").join(name),
            None => self.folder.path().join(name),
        }
    }

    fn write(&self, name: &str, content: &str) -> Result<()> {
        Ok(fs::write(self.path(name), content)?)
    }

    /// The variables of this person: what the page says, and what makes a system trust an authority.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let binaries = self.world.gateway.binary().parent();
        let path = [
            binaries.map(|folder| folder.display().to_string()),
            Some(self.folder.path().display().to_string()),
            std::env::var("PATH").ok(),
        ];
        let path: Vec<String> = path.into_iter().flatten().collect();
        let mut variables = vec![
            ("PATH", path.join(":")),
            ("HOME", self.path("home").display().to_string()),
            ("LANG", "C.UTF-8".to_owned()),
            ("SHELL", "/bin/sh".to_owned()),
            ("SLUICE_TOKEN", self.world.token.clone()),
        ];
        let trusted = |file: &Path| file.display().to_string();
        match &self.world.public {
            Some(file) => variables.extend(
                [
                    "SSL_CERT_FILE",
                    "CURL_CA_BUNDLE",
                    "REQUESTS_CA_BUNDLE",
                    "NODE_EXTRA_CA_CERTS",
                ]
                .map(|name| (name, trusted(file))),
            ),
            // Somebody else's, which a snippet has to come before.
            None => variables.push((
                "REQUESTS_CA_BUNDLE",
                trusted(&self.world.shop.certificate()),
            )),
        }
        variables
    }

    /// Pastes lines into a shell, without a terminal, and gives what they print.
    fn paste(&self, lines: &str, more: &[(&str, &str)], input: &str) -> Result<String> {
        self.write("input", input)?;
        printed(
            Command::new("setsid")
                .args(["--wait", "sh", "-e", "-c", lines])
                .current_dir(self.folder.path())
                .env_clear()
                .envs(self.variables())
                .envs(more.iter().copied())
                .stdin(File::open(self.path("input"))?),
        )
    }

    /// Somebody who is asked for the password, and pastes the token.
    fn in_a_terminal(&self, line: &str) -> Result<()> {
        let variables = self.variables();
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let folder = self.folder.path().display();
        let mut terminal = Terminal::start(&format!("cd {folder} && {line}"), &variables)?;
        terminal.expect("Password")?;
        terminal.send(&format!("{}\n", self.world.token))?;
        terminal.expect("=>")?;
        terminal.send(SQL)?;
        terminal.expect("(1 row)")?;
        terminal.send("\\q\n")?;
        ensure!(terminal.finish()?, "psql failed");
        Ok(())
    }

    /// Runs what is shown for a program: its file, and how that is started.
    fn program(&self, client: &Client, more: &[(&str, &str)]) -> Result<()> {
        for Snippet { code, title, file } in &client.snippets {
            match (file, title.as_deref()) {
                (Some(file), _) => self.write(file, code)?,
                (None, Some("once")) => {}
                (None, _) => drop(self.paste(code, more, "")?),
            }
        }
        Ok(())
    }

    /// What the gateway's own program makes of it; its sign-in is tried with a browser elsewhere.
    fn sluice(&self, client: &Client, usual: &str) -> Result<()> {
        let url = format!("https://127.0.0.1:{}", self.world.gateway.https_port);
        let authority = self.world.gateway.authority().display().to_string();
        let mut more = vec![("SLUICE_URL", url.as_str())];
        if self.world.public.is_none() {
            more.push(("SLUICE_CA", &authority));
        }
        let [_, run, show] = &client.snippets[..] else {
            panic!("expected three snippets");
        };
        self.paste(&run.code, &more, SQL)?;
        let token = self.world.token.as_str();
        more.extend([("PGPASSWORD", token), ("SERVICE_TOKEN", token)]);
        let set = format!("eval \"$({})\"\n{usual}", show.code.trim());
        self.paste(&set, &more, SQL)?;
        Ok(())
    }
}

/// Whether libpq knows the system's authorities by that name.
fn knows_system() -> Result<bool> {
    let version = printed(Command::new("psql").arg("--version"))
        .context("psql is needed; install postgresql-client")?;
    let major = version.split_whitespace().nth(2);
    let major = major.and_then(|version| version.split('.').next()?.parse().ok());
    Ok(major.unwrap_or(0) >= 16)
}

/// A snippet as a reader of the notes beside it has it here; `None` where they say that it is for others.
fn here(world: &World, code: &str) -> Result<Option<String>> {
    let Some(authority) = &world.public else {
        return Ok(Some(code.to_owned()));
    };
    let file = authority.display().to_string();
    if code.contains("sslrootcert=system") && !knows_system()? {
        let replaced = code.replace("=system\n", &format!("={file}\n"));
        return Ok((replaced != code && code.starts_with('[')).then_some(replaced));
    }
    Ok(Some(code.replace(DEBIAN, &file)))
}

/// Pastes everything that the page shows for a database, and looks at whether it was asked, as whom and where.
fn database(
    world: &World,
    page: (&str, &str, Value),
    (role, database): (&str, &str),
) -> Result<()> {
    let clients = world.shown(page.0, page.1, page.2)?;
    let psql = clients.iter().find(|client| client.id == "psql");
    let psql = psql.context("psql is shown")?;
    for client in &clients {
        if BY_HAND.contains(&client.id.as_str()) {
            continue;
        }
        let desk = Desk::new(world, &clients::python()?)?;
        let before = world.asked(role, database)?;
        let mut expected = 1;
        match client.id.as_str() {
            "sluice" => {
                desk.sluice(client, "psql")?;
                expected = 2;
            }
            "psql" => {
                for snippet in &client.snippets {
                    if let Some(line) = here(world, &snippet.code)? {
                        desk.in_a_terminal(line.trim())?;
                    }
                }
            }
            "pgpass" => {
                let [line, then] = &client.snippets[..] else {
                    panic!("expected a line and what follows");
                };
                desk.write("~/.pgpass", &line.code.replace("TOKEN", &world.token))?;
                desk.paste(&then.code, &[], "")?;
                for snippet in &psql.snippets {
                    if let Some(line) = here(world, &snippet.code)? {
                        desk.paste(&line, &[], SQL)?;
                    }
                }
            }
            "service" => service(&desk, client)?,
            "url" => expected = addresses(&desk, client)?,
            // psycopg brings a libpq that finds no authorities of the system.
            "python" => desk.program(client, &[("SSL_CERT_FILE", "/dev/null")])?,
            "node" => desk.program(client, &[])?,
            id => panic!("{id} is new: say here how it is tried"),
        }
        let asked = world.asked(role, database)? - before;
        assert!(
            asked >= expected,
            "{}: asked {asked} times of {expected} as {role} in {database}",
            client.id
        );
    }
    Ok(())
}

fn service(desk: &Desk<'_>, client: &Client) -> Result<()> {
    let [file, then] = &client.snippets[..] else {
        panic!("expected a file and what follows");
    };
    let folder = desk.folder.path().display().to_string();
    let content = file.code.replace("/path/to", &folder);
    let content = here(desk.world, &content)?.context("a file is for all")?;
    desk.write("~/.pg_service.conf", &content)?;
    // In any folder.
    let line = format!("cd / && {}", then.code);
    desk.paste(&line, &[("PGPASSWORD", &desk.world.token)], SQL)?;
    Ok(())
}

/// The URL in three clients; gives how often it was asked.
fn addresses(desk: &Desk<'_>, client: &Client) -> Result<usize> {
    let password = [("PGPASSWORD", desk.world.token.as_str())];
    let python = "venv/bin/python -c 'import os, sqlalchemy\n\
                  url = os.environ[\"DATABASE_URL\"].replace(\"postgresql:\", \"postgresql+psycopg:\")\n\
                  print(sqlalchemy.create_engine(url).connect().exec_driver_sql(\"select current_user\").all())'";
    let node = "node --input-type=module -e 'import pg from \"pg\";\n\
                const client = new pg.Client({ connectionString: process.env.DATABASE_URL });\n\
                await client.connect();\n\
                await client.query(\"select current_user\");\n\
                await client.end();'";
    let mut asked = 0;
    for Snippet { code, title, .. } in &client.snippets {
        let Some(code) = here(desk.world, code)? else {
            continue;
        };
        if title.is_none() {
            desk.paste("psql \"$URL\"", &[password[0], ("URL", &code)], SQL)?;
            asked += 1;
            continue;
        }
        desk.paste(&format!("{code}psql \"$DATABASE_URL\""), &password, SQL)?;
        asked += 1;
        // Neither knows the system's authorities by a name.
        if !code.contains("sslrootcert=system") {
            desk.paste(&format!("{code}{python}"), &password, "")?;
            desk.paste(&format!("{code}{node}"), &password, "")?;
            asked += 2;
        }
    }
    Ok(asked)
}

/// Pastes everything that the page shows for a service, and looks at what reached that.
fn web(world: &World, page: (&str, &str, Value), account: &str) -> Result<()> {
    for client in &world.shown(page.0, page.1, page.2)? {
        let desk = Desk::new(world, &clients::python_web()?)?;
        let before = world.visited(account);
        let mut expected = 1;
        match client.id.as_str() {
            "sluice" => {
                let usual = "curl --silent --fail --oauth2-bearer \"$SERVICE_TOKEN\" \
                             --header \"Sluice-Account: $SERVICE_ACCOUNT\" \"$SERVICE_URL/\"";
                desk.sluice(client, usual)?;
                expected = 2;
            }
            "curl" | "httpie" => {
                let [line] = &client.snippets[..] else {
                    panic!("expected one line");
                };
                let printed = desk.paste(&line.code, &[], "")?;
                assert!(printed.contains(SERVICE_SAYS), "{}: {printed}", client.id);
            }
            "python" => {
                desk.program(client, &[])?;
                expected = 2;
            }
            "node" => desk.program(client, &[])?,
            // Sent to sign in and come back in tests of browsers.
            "browser" => continue,
            id => panic!("{id} is new: say here how it is tried"),
        }
        let visited = world.visited(account) - before;
        assert!(
            visited >= expected,
            "{}: visited {visited} times of {expected} with {account}",
            client.id
        );
    }
    Ok(())
}

#[test]
fn ways_to_a_database_work_as_they_are_pasted() -> Result<()> {
    let world = World::start(false)?;
    let page = ("shop", "127.0.0.1", json!({}));
    database(&world, page, ("shop_app", "shop"))?;
    let page = ("shop", "localhost", json!({"account": "owner"}));
    database(&world, page, ("shop_owner", "shop"))?;
    let odd = ("Shop-2.eu_west", "localhost", json!({"database": ODD}));
    database(&world, odd, ("shop_app", ODD))
}

#[test]
fn ways_to_a_service_work_as_they_are_pasted() -> Result<()> {
    let world = World::start(false)?;
    web(&world, ("reports", "localhost", json!({})), "SVC")?;
    let other = ("reports", "127.0.0.1", json!({"account": "o$x"}));
    web(&world, other, "OTHER")?;
    web(&world, ("Own-1.x_y", "localhost", json!({})), "SVC")
}

#[test]
fn they_work_where_systems_trust_the_gateway_by_themselves() -> Result<()> {
    let world = World::start(true)?;
    let page = ("shop", "127.0.0.1", json!({"account": "owner"}));
    database(&world, page, ("shop_owner", "shop"))?;
    web(&world, ("reports", "127.0.0.1", json!({})), "SVC")
}
