//! SimpleSAMLphp as an identity provider in front of a gateway.

use crate::browser::{Browser, Page};
use crate::process::{Running, checked, free_port, wait_for};
use crate::{Gateway, cargo};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Where Debian keeps it.
const SIMPLESAMLPHP: &str = "/usr/share/simplesamlphp/www";

/// Where a provider will be, so that a gateway can be told before it runs.
#[derive(Debug)]
pub struct Place {
    port: u16,
    home: TempDir,
}

impl Place {
    /// A free one, with a key of its own.
    pub fn new() -> Result<Self> {
        let home = tempfile::Builder::new().prefix("sluice-saml-").tempdir()?;
        fs::create_dir(home.path().join("tmp"))?;
        let place = Self {
            port: free_port()?,
            home,
        };
        place.new_key()?;
        Ok(place)
    }

    fn new_key(&self) -> Result<()> {
        let request = [
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        ];
        checked(
            Command::new("openssl")
                .current_dir(self.home.path())
                .args(request)
                .args(["-subj", "/CN=idp.corp.example"])
                .args(["-keyout", "idp.key", "-out", "idp.crt"]),
        )?;
        Ok(())
    }

    /// Its own directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The resource that makes it the gateway's, with more settings of `saml` and of the provider.
    #[must_use]
    pub fn resource(&self, saml: &str, more: &str) -> String {
        format!(
            "kind: IdentityProvider\nname: corp\nsaml: {{metadata_url: '{}/saml2/idp/metadata.php'{saml}}}\n\
             users: {{name: uid, email: mail}}\n{more}\n",
            self.url()
        )
    }

    /// Starts the provider for this gateway, with settings of SimpleSAMLphp's for both.
    pub fn start(
        self,
        gateway: &Gateway,
        people: &Value,
        settings: &Value,
    ) -> Result<SamlProvider> {
        if !Path::new(SIMPLESAMLPHP).is_dir() {
            bail!("SimpleSAMLphp is needed; install simplesamlphp and php-cli");
        }
        let home = self.home.path().to_owned();
        fs::write(home.join("users.json"), people.to_string())?;
        let log = fs::File::create(home.join("log"))?;
        let server = Running::start_with_workers(
            Command::new("php")
                .args([
                    "-d",
                    "error_reporting=0",
                    "-S",
                    &format!("127.0.0.1:{}", self.port),
                ])
                .args(["-t", SIMPLESAMLPHP])
                .env(
                    "SIMPLESAMLPHP_CONFIG_DIR",
                    cargo::root().join("tests/idp/saml"),
                )
                .env("IDP_HOME", &home)
                .env("IDP_PORT", self.port.to_string())
                .env("IDP_SETTINGS", settings.to_string())
                // A sign-in asks for several things at a time.
                .env("PHP_CLI_SERVER_WORKERS", "4")
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log),
            "TERM",
        )
        .context("php is needed; install php-cli")?;
        let mut provider = SamlProvider {
            server,
            place: self,
        };
        wait_for("the identity provider", || {
            if let Some(status) = provider.server.ended()? {
                bail!("it ended at once ({status}): {}", provider.log());
            }
            let metadata = format!("{}/saml2/idp/metadata.php", provider.place.url());
            let asked = Command::new("curl")
                .args([
                    "-sS",
                    "--fail",
                    "--max-time",
                    "10",
                    "-o",
                    "/dev/null",
                    &metadata,
                ])
                .stderr(Stdio::null())
                .status()?;
            Ok(asked.success().then_some(()))
        })
        .with_context(|| provider.log())?;
        provider.know(gateway)?;
        Ok(provider)
    }
}

/// A running provider.
#[derive(Debug)]
pub struct SamlProvider {
    server: Running,
    place: Place,
}

impl SamlProvider {
    /// It takes the gateway's metadata as they are now.
    pub fn know(&self, gateway: &Gateway) -> Result<()> {
        let metadata = gateway.https("/signin/corp/metadata")?;
        Ok(fs::write(self.place.home().join("gateway.xml"), metadata)?)
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.place.home().join(name));
        let parts = ["log", "simplesamlphp.log"].map(|name| read(name).unwrap_or_default());
        parts.concat()
    }

    /// It signs with another key from now on.
    pub fn rotate(&self) -> Result<()> {
        self.place.new_key()
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.place.url()
    }

    /// Signs in as somebody from a page that leads there, and gives the page that sends them back.
    pub fn prove(&self, browser: &Browser, start: &str, user: &str) -> Result<Page> {
        let mut page = browser.open(start)?;
        // By the other binding, the gateway's own page sends the person there.
        if page.text.contains("name=\"SAMLRequest\"") {
            page = browser.send(&page, &page.form()?)?;
        }
        // Whom it knows already it does not ask.
        if page.text.contains("name=\"SAMLResponse\"") {
            return Ok(page);
        }
        if !page.url.contains("loginuserpass") {
            bail!(
                "expected the provider's page, got {} {}",
                page.url,
                page.text
            );
        }
        let form = page
            .form()?
            .with("username", user)
            .with("password", "password");
        let back = browser.send(&page, &form)?;
        match back.form()?.value("SAMLResponse") {
            Some(_) => Ok(back),
            None => bail!(
                "expected an answer, got {} {}\n{}",
                back.url,
                back.text,
                self.log()
            ),
        }
    }

    /// Signs in as somebody, and gives where that ends.
    pub fn sign_in(&self, browser: &Browser, start: &str, user: &str) -> Result<Page> {
        let back = self.prove(browser, start, user)?;
        browser.send(&back, &back.form()?)
    }
}
