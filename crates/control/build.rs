//! Takes the console into the binary, where it has been built. Without it the gateway is whole as well, and serves a page
//! that says how to build it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Where the console is built, from this crate.
const CONSOLE: &str = "../../web/dist";

fn main() -> io::Result<()> {
    let console = Path::new(CONSOLE);
    println!("cargo::rerun-if-changed={CONSOLE}");
    let mut files = Vec::new();
    if console.join("index.html").is_file() {
        collect(console, &mut files)?;
    }
    files.sort();
    let mut code = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(console).unwrap_or(file);
        let path = fs::canonicalize(file)?;
        println!("cargo::rerun-if-changed={}", file.display());
        let _ = writeln!(code, "    ({name:?}, include_bytes!({path:?})),");
    }
    code.push(']');
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(PathBuf::from(out).join("console.rs"), code)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => collect(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}
