//! The Python interpreter whose libraries are the reference.

use std::path::{Path, PathBuf};
use std::process::Command;

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
    let mut command = Command::new(interpreter());
    // No caches beside the sources, and the same order of sets each time.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONHASHSEED", "0");
    command
}
