//! A browser without a screen: curl with cookies. It goes wherever it is sent, and submits the forms that it is shown.

use crate::Gateway;
use crate::process::printed;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// One browser: cookies, and where it is.
#[derive(Debug)]
pub struct Browser {
    home: TempDir,
    authority: PathBuf,
    gateway: String,
}

/// What a browser came to.
#[derive(Debug)]
pub struct Page {
    /// Where it is now, after all that it was sent on.
    pub url: String,
    /// The status there.
    pub status: u16,
    /// The head and body there.
    pub text: String,
}

/// A form of a page.
#[derive(Debug)]
pub struct Form {
    /// Where it goes.
    pub action: String,
    /// What it holds, by name.
    pub fields: Vec<(String, String)>,
}

impl Page {
    /// The page's first form.
    pub fn form(&self) -> Result<Form> {
        let tag = self.text.split("<form").nth(1);
        let (tag, rest) = tag
            .and_then(|rest| rest.split_once('>'))
            .with_context(|| format!("expected a form at {}: {}", self.url, self.text))?;
        let inside = rest.split("</form>").next().unwrap_or_default();
        let inputs = inside.split("<input").skip(1);
        let fields = inputs.filter_map(|input| {
            let input = input.split('>').next()?;
            Some((
                attribute(input, "name")?,
                attribute(input, "value").unwrap_or_default(),
            ))
        });
        Ok(Form {
            action: attribute(tag, "action")
                .filter(|a| a != "?" && !a.is_empty())
                .unwrap_or_else(|| self.url.clone()),
            fields: fields.collect(),
        })
    }

    /// A header of the last answer.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        let head = self
            .text
            .lines()
            .take_while(|line| !line.is_empty() || line.starts_with("HTTP"));
        let mut found = head
            .filter_map(|line| line.strip_prefix(&prefix))
            .map(str::trim);
        found.next()
    }
}

impl Form {
    /// With another value in a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// The value of an attribute of a tag, with what HTML has to escape.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
    let value = value.replace("&lt;", "<").replace("&gt;", ">");
    let value = value.replace("&quot;", "\"").replace("&#039;", "'");
    Some(value.replace("&amp;", "&"))
}

impl Browser {
    /// A new one that trusts the gateway.
    pub fn new(gateway: &Gateway) -> Result<Self> {
        Ok(Self {
            home: tempfile::Builder::new()
                .prefix("sluice-browser-")
                .tempdir()?,
            authority: gateway.authority(),
            gateway: format!("https://127.0.0.1:{}", gateway.https_port),
        })
    }

    fn ask(&self, url: &str, more: &[&str]) -> Result<Page> {
        let url = match url.starts_with('/') {
            true => format!("{}{url}", self.gateway),
            false => url.to_owned(),
        };
        let cookies = self.home.path().join("cookies");
        let shown = printed(
            Command::new("curl")
                .args(["-sS", "-i", "-L", "--max-redirs", "20", "--max-time", "20"])
                .args(["-w", "\n%{http_code} %{url_effective}", "--cacert"])
                .arg(&self.authority)
                .arg("-b")
                .arg(&cookies)
                .arg("-c")
                .arg(&cookies)
                .args(more)
                .arg(&url),
        )?;
        let (text, last) = shown
            .trim_end()
            .rsplit_once('\n')
            .context("curl says where it is")?;
        let (status, url) = last.split_once(' ').context("curl says where it is")?;
        // A page that goes on by itself is gone on from.
        let refresh = text.split("http-equiv=\"refresh\" content=\"0;url=").nth(1);
        if let Some(next) = refresh.and_then(|rest| rest.split('"').next()) {
            return self.ask(&next.replace("&amp;", "&"), &[]);
        }
        if url.ends_with("/console/") {
            // Made of scripts, which this browser has not: what it can read is the page about who is signed in.
            let account = self.ask("/account", &[])?;
            return Ok(Page {
                text: format!("{text}\n{}", account.text),
                ..account
            });
        }
        Ok(Page {
            url: url.to_owned(),
            status: status.parse()?,
            text: text.to_owned(),
        })
    }

    /// Opens an address, or a path of the gateway, and goes wherever it is sent.
    pub fn open(&self, url: &str) -> Result<Page> {
        self.ask(url, &[])
    }

    /// The same without being sent on.
    pub fn open_only(&self, url: &str) -> Result<Page> {
        self.ask(url, &["--max-redirs", "0", "--no-location"])
    }

    /// Sends a form from a page of `origin`.
    pub fn submit_from(&self, origin: &str, url: &str, form: &[(&str, &str)]) -> Result<Page> {
        let origin = format!("Origin: {origin}");
        let fields: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut more = vec!["-H", &origin, "--data", ""];
        for field in &fields {
            more.extend(["--data-urlencode", field]);
        }
        self.ask(url, &more)
    }

    /// Sends a form from a page of the address's own.
    pub fn submit(&self, url: &str, form: &[(&str, &str)]) -> Result<Page> {
        let absolute = match url.starts_with('/') {
            true => self.gateway.as_str(),
            false => url,
        };
        let origin: Vec<&str> = absolute.split('/').take(3).collect();
        self.submit_from(&origin.join("/"), url, form)
    }

    /// Sends a form of a page that was shown at `from`.
    pub fn send(&self, from: &Page, form: &Form) -> Result<Page> {
        let origin: Vec<&str> = from.url.split('/').take(3).collect();
        let fields: Vec<(&str, &str)> = form
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let action = match form.action.starts_with('/') {
            true => format!("{}{}", origin.join("/"), form.action),
            false => form.action.clone(),
        };
        self.submit_from(&origin.join("/"), &action, &fields)
    }

    /// Signs in as somebody from a page that leads there, and gives where that ends.
    pub fn sign_in(&self, start: &str, user: &str) -> Result<Page> {
        let page = self.open(start)?;
        if !page.url.contains("/interaction/") {
            bail!(
                "expected the provider's page, got {} {}",
                page.url,
                page.text
            );
        }
        self.submit(&page.url, &[("user", user)])
    }
}
