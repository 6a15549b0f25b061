//! The Python interpreter whose libraries are the reference.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The interpreter that `SALAMANDER_PYTHON` names, else that of the virtual environment `.venv` in the workspace.
///
/// # Panics
/// Where there is none.
pub fn interpreter() -> PathBuf {
    let path =
        std::env::var_os("SALAMANDER_PYTHON").map_or_else(|| workspace().join(".venv/bin/python"), PathBuf::from);
    assert!(
        path.exists(),
        "{} does not exist: run `cargo xtask setup`, or name a Python interpreter that has Pyro5, serpent and msgpack in \
         SALAMANDER_PYTHON",
        path.display()
    );
    path
}

/// A Python that has nothing but its standard library, for what differs between versions.
#[derive(Clone, Debug)]
pub struct Version {
    /// The second number of its version, which is 3.
    pub minor: u32,
    program: PathBuf,
}

impl Version {
    /// A command that runs one of the scripts in `interop/python` that need no other libraries.
    pub fn script(&self, name: &str) -> Command {
        let mut command = quiet(&self.program);
        command.arg(workspace().join("interop/python").join(name));
        command
    }
}

/// The interpreter of all tests and every other version from 3.8 on whose name (`python3.12`) is on the path.
pub fn versions() -> &'static [Version] {
    static FOUND: OnceLock<Vec<Version>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let named = (8..=20).flat_map(|minor| folders.iter().map(move |in_| in_.join(format!("python3.{minor}"))));
        let mut found: Vec<Version> = Vec::new();
        for program in std::iter::once(interpreter()).chain(named.filter(|program| program.exists())) {
            // A name on the path may lead to a program that finds no Python.
            let version = quiet(&program).args(["-c", "import sys; print(sys.version_info[1])"]).output();
            let minor = version.ok().and_then(|output| String::from_utf8(output.stdout).ok()?.trim().parse().ok());
            if let Some(minor) = minor.filter(|minor| found.iter().all(|known| known.minor != *minor)) {
                found.push(Version { minor, program });
            }
        }
        found
    })
}

/// A command that runs one of the scripts in `interop/python`.
pub fn script(name: &str) -> Command {
    let mut command = plain();
    command.arg(workspace().join("interop/python").join(name));
    command
}

/// A command that runs a module of a library as a program.
pub fn module(name: &str) -> Command {
    let mut command = plain();
    command.arg("-m").arg(name);
    command
}

fn plain() -> Command {
    quiet(&interpreter())
}

fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    // No caches beside the sources, and the same order of sets each time.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONHASHSEED", "0");
    command
}
