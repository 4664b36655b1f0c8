//! SQL that nobody here wrote: PostgreSQL's own regression tests, from Debian's source package, read by the
//! product's SQL reader. Whatever the grammar accepts has to be understood.

use crate::shell;
use anyhow::{Context, Result, bail};
use sluice_tests::cache;
use sluice_tests::process::checked;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "postgresql-15";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Classifies every statement. A machine that cannot download the package is told so and goes on: the corpus adds
/// to the tests and replaces none.
pub fn run() -> Result<()> {
    let folder = match cache::prepared("postgres-regression-sql", download) {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!(
                "\nthe regression SQL of {PACKAGE} could not be downloaded, so it was not read: {error:#}"
            );
            return Ok(());
        }
    };
    let files = sql_files(&folder)?;
    let classify = shell::built("examples/classify")?;
    eprintln!(
        "\n$ {} with {} files of SQL",
        classify.display(),
        files.len()
    );
    let status = Command::new(&classify)
        .args(&files)
        .status()
        .context("cannot start the classifier")?;
    if !status.success() {
        bail!("a statement that the grammar accepts is not understood ({status})");
    }
    Ok(())
}

fn sql_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder.join("sql"))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    if files.is_empty() {
        bail!("no SQL files in {}", folder.display());
    }
    Ok(files)
}

/// Asks apt for the source package with lists of its own, so that the machine's configuration stays as it is.
fn download(folder: &Path) -> Result<()> {
    let release = fs::read_to_string("/etc/os-release").context("expected a Debian system")?;
    let codename = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .context("expected VERSION_CODENAME in /etc/os-release")?;
    let work = tempfile::tempdir()?;
    fs::create_dir_all(work.path().join("lists/partial"))?;
    let list = work.path().join("sources.list");
    fs::write(
        &list,
        format!("deb-src [signed-by={KEYRING}] http://deb.debian.org/debian {codename} main\n"),
    )?;
    let apt = |arguments: &[&str]| {
        checked(
            Command::new("apt-get")
                .current_dir(work.path())
                .args([
                    "-q",
                    "-o",
                    "Dir::Etc::sourceparts=-",
                    "-o",
                    "APT::Sandbox::User=",
                ])
                .args(["-o", &format!("Dir::Etc::sourcelist={}", list.display())])
                .args([
                    "-o",
                    &format!("Dir::State::lists={}", work.path().join("lists").display()),
                ])
                .args(arguments),
        )
    };
    apt(&["update"])?;
    apt(&["source", "--download-only", PACKAGE])?;
    let archive = fs::read_dir(work.path())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().contains(".orig.tar"))
        .context("apt-get source left no archive")?;
    checked(
        Command::new("tar")
            .arg("xf")
            .arg(&archive)
            .arg("-C")
            .arg(folder)
            .args([
                "--strip-components=4",
                "--wildcards",
                "*/src/test/regress/sql",
            ]),
    )?;
    Ok(())
}
