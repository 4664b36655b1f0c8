//! The system packages that building and testing need: seen by what they install, installed when that is allowed.

use crate::shell;
use anyhow::{Result, bail};
use std::path::Path;

/// One Debian package and how to see that it (or its like) is there.
pub struct Package {
    name: &'static str,
    seen: fn() -> bool,
    why: &'static str,
}

/// What building needs.
pub const BUILD: &[Package] = &[
    Package {
        name: "build-essential",
        seen: || shell::exists("cc", "--version"),
        why: "the SQL grammar, SQLite and the cryptography have C parts",
    },
    Package {
        name: "libclang-dev",
        seen: has_libclang,
        why: "the bindings of the SQL grammar are made by it",
    },
];

/// What building the console needs.
pub const CONSOLE: &[Package] = &[NPM];

const NPM: Package = Package {
    name: "npm",
    seen: || shell::exists("npm", "--version"),
    why: "the console is built by it, and node-postgres and the newest PostgreSQL come from it",
};

/// What running a private PostgreSQL with its clients needs.
pub const POSTGRES: &[Package] = &[
    Package {
        name: "postgresql",
        seen: || sluice_tests::postgres::system_binaries().is_ok(),
        why: "tests and demo run a server of their own",
    },
    Package {
        name: "postgresql-client",
        seen: || shell::exists("psql", "--version"),
        why: "tests and demo use psql, pg_dump and pgbench",
    },
    Package {
        name: "openssl",
        seen: || shell::exists("openssl", "version"),
        why: "the test servers get a certificate",
    },
    Package {
        name: "curl",
        seen: || shell::exists("curl", "--version"),
        why: "tests and demo ask the gateway whether it is ready",
    },
];

/// What the end-to-end tests need besides.
pub const CLIENTS: &[Package] = &[
    Package {
        name: "ca-certificates",
        seen: || Path::new("/etc/ssl/certs/ca-certificates.crt").exists(),
        why: "the drivers are downloaded over https",
    },
    Package {
        name: "python3-venv",
        seen: || shell::succeeds("python3", &["-c", "import ensurepip, venv"]),
        why: "psycopg, asyncpg and SQLAlchemy live in an environment of their own",
    },
    Package {
        name: "chromium",
        seen: || Path::new("/usr/bin/chromium").exists(),
        why: "the pages are walked in a real browser",
    },
    Package {
        name: "simplesamlphp",
        seen: || Path::new("/usr/share/simplesamlphp/www").is_dir(),
        why: "people sign in at a SAML identity provider",
    },
    Package {
        name: "php-cli",
        seen: || shell::exists("php", "--version"),
        why: "the SAML identity provider runs in it",
    },
    Package {
        name: "php-xml",
        seen: || has_php_module("dom"),
        why: "the SAML identity provider reads and writes XML",
    },
    Package {
        name: "php-mbstring",
        seen: || has_php_module("mbstring"),
        why: "the SAML identity provider needs it",
    },
    Package {
        name: "libxml2-utils",
        seen: || shell::exists("xmllint", "--version"),
        why: "canonical XML is compared with what libxml2 makes of it",
    },
    NPM,
];

/// What the benchmark needs besides.
pub const BENCH: &[Package] = &[
    Package {
        name: "pgbouncer",
        seen: || Path::new("/usr/sbin/pgbouncer").exists(),
        why: "the benchmark compares with it",
    },
    Package {
        name: "libpq-dev",
        seen: || Path::new("/usr/include/postgresql/libpq-fe.h").exists(),
        why: "the measuring clients are built on it",
    },
    Package {
        name: "libssl-dev",
        seen: || Path::new("/usr/include/openssl/ssl.h").exists(),
        why: "the measuring clients read through it",
    },
];

/// What the benchmark of HTTP needs besides.
pub const BENCH_HTTP: &[Package] = &[
    Package {
        name: "nghttp2-client",
        seen: || shell::exists("h2load", "--version"),
        why: "h2load asks and measures",
    },
    Package {
        name: "nginx",
        seen: || Path::new("/usr/sbin/nginx").exists(),
        why: "it is the service, and a proxy to compare with",
    },
    Package {
        name: "haproxy",
        seen: || Path::new("/usr/sbin/haproxy").exists(),
        why: "the benchmark compares with it",
    },
];

/// Installs what is missing of `wanted`; an error names what to install where that is not allowed.
pub fn ensure(wanted: &[&[Package]]) -> Result<()> {
    let missing: Vec<&Package> = wanted
        .iter()
        .copied()
        .flatten()
        .filter(|package| !(package.seen)())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    for package in &missing {
        eprintln!("missing: {} ({})", package.name, package.why);
    }
    let install = format!("apt-get install -y {}", names.join(" "));
    if !shell::exists("apt-get", "--version") {
        bail!(
            "install what these Debian packages hold, then run this again: {}",
            names.join(" ")
        );
    }
    if shell::output("id", &["-u"])? != "0" {
        bail!("installing needs root; run `sudo {install}`, then this again");
    }
    shell::run("apt-get", &["update", "-q"])?;
    let mut arguments = vec!["install", "-y", "-q", "--no-install-recommends"];
    arguments.extend(names);
    shell::run_command(
        shell::command("apt-get", &arguments).env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    match missing.iter().find(|package| !(package.seen)()) {
        Some(package) => bail!(
            "{} was installed and is still not seen; expected: {}",
            package.name,
            package.why
        ),
        None => Ok(()),
    }
}

fn has_php_module(name: &str) -> bool {
    let modules = shell::output("php", &["-m"]).unwrap_or_default();
    modules.lines().any(|line| line.eq_ignore_ascii_case(name))
}

fn has_libclang() -> bool {
    if std::env::var_os("LIBCLANG_PATH").is_some() {
        return true;
    }
    let folders = [
        "/usr/lib",
        "/usr/lib64",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
    ];
    let llvm = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("llvm-"))
        })
        .map(|path| path.join("lib"));
    folders
        .iter()
        .map(|folder| Path::new(folder).to_path_buf())
        .chain(llvm)
        .any(|folder| {
            std::fs::read_dir(folder)
                .into_iter()
                .flatten()
                .flatten()
                .any(|file| {
                    let name = file.file_name();
                    let name = name.to_string_lossy();
                    // The compiler's own library in C++ is no such thing, whatever it is called.
                    let versioned = name.starts_with("libclang-") && name.contains(".so");
                    name.starts_with("libclang.so")
                        || versioned && !name.starts_with("libclang-cpp")
                })
        })
}
