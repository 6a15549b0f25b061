//! `cargo xtask setup`: a virtual environment with the Python peers, and a browser.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::servers;

/// What is installed, and what the environment was made of when it was.
const REQUIREMENTS: &str = "interop/requirements.txt";
const STAMP: &str = ".venv/.made-of";

/// The names of the browser that will do.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Where source distributions go, because the example programs are nowhere else, and whose.
const SOURCES: &str = ".venv/src";
const EXAMPLES: [&str; 2] = ["Pyro5", "Pyro4"];

/// The version that the peers are tested with. Newer ones work; formats such as marshal's may differ there.
const VERSION: (u32, u32) = (3, 11);

/// Makes the environment unless it is there and up to date; gives its interpreter.
pub fn run(root: &Path) -> Result<PathBuf, String> {
    browser();
    servers::prepare();
    let python = interpreter(root);
    let requirements = std::fs::read_to_string(root.join(REQUIREMENTS))
        .map_err(|error| format!("{REQUIREMENTS} cannot be read: {error}"))?;
    let stamp = root.join(STAMP);
    let up_to_date = std::fs::read_to_string(&stamp).is_ok_and(|made_of| made_of == requirements);
    if !up_to_date || !python.exists() {
        let base = find_python()?;
        println!("making .venv with {base}");
        make_venv(root, &base)?;
        let pip =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r", REQUIREMENTS];
        run_command(Command::new(&python).args(pip).current_dir(root))
            .map_err(|error| format!("the Python peers could not be installed: {error}"))?;
        std::fs::write(&stamp, &requirements).map_err(|error| format!("{STAMP} cannot be written: {error}"))?;
    }
    // An environment that was made before there was one of these lacks no more than that.
    for package in EXAMPLES {
        let version = pinned(&requirements, package)?;
        if examples(root, package, version).is_none() {
            fetch_sources(root, &python, package, version)
                .map_err(|error| format!("{package}'s example programs could not be had: {error}"))?;
        }
    }
    Ok(python)
}

/// The browser that pages are tested in. Tests that need it are left out where it cannot be had.
fn browser() {
    let there = || {
        let asked = |name: &&str| Command::new(name).arg("--version").stdin(Stdio::null()).output();
        BROWSERS.iter().any(|name| asked(name).is_ok_and(|shown| shown.status.success()))
    };
    if there() {
        return;
    }
    if !may_install() {
        println!("there is no Chromium: tests of pages are left out (Debian, as root: apt-get install -y chromium)");
    } else if let Err(error) = install(&["chromium"]) {
        println!("Chromium could not be installed, tests of pages are left out: {error}");
    }
}

/// Where the environment's interpreter is.
pub fn interpreter(root: &Path) -> PathBuf {
    root.join(".venv").join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// Where the example programs of this version of a package are, if they are there.
fn examples(root: &Path, package: &str, version: &str) -> Option<PathBuf> {
    let folder = unpacked(root, package, version, "")?.join("examples");
    folder.exists().then_some(folder)
}

/// Something of a source distribution: its folder, or its archive. Not every package writes its name in small letters there.
fn unpacked(root: &Path, package: &str, version: &str, ending: &str) -> Option<PathBuf> {
    let wanted = format!("{package}-{version}{ending}");
    let entries = std::fs::read_dir(root.join(SOURCES)).ok()?.flatten();
    entries.map(|entry| entry.path()).find(|path| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.eq_ignore_ascii_case(&wanted))
    })
}

/// The version that the requirements name for a package.
fn pinned<'a>(requirements: &'a str, package: &str) -> Result<&'a str, String> {
    let version = requirements.lines().find_map(|line| line.strip_prefix(package)?.strip_prefix("=="));
    version.map(str::trim).ok_or_else(|| format!("{REQUIREMENTS} should have a line '{package}==VERSION'"))
}

/// Gets the source distribution of a package and unpacks it.
fn fetch_sources(root: &Path, python: &Path, package: &str, version: &str) -> Result<(), String> {
    let pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"];
    let what = ["--no-binary", ":all:", "--dest", SOURCES, &format!("{package}=={version}")];
    run_command(Command::new(python).args(pip).args(what).current_dir(root))?;
    let archive = unpacked(root, package, version, ".tar.gz").ok_or("there is no archive of that name")?;
    let unpack = ["-m", "tarfile", "-e", &archive.display().to_string(), SOURCES];
    run_command(Command::new(python).args(unpack).current_dir(root))?;
    let there = examples(root, package, version).is_some();
    if there { Ok(()) } else { Err(format!("{} has no examples", archive.display())) }
}

/// A Python to make the environment with; installed from the distribution where that is allowed.
fn find_python() -> Result<String, String> {
    if let Some(found) = on_path() {
        return Ok(found);
    }
    let needed = format!("Python {}.{} or newer is needed to run the Python peers", VERSION.0, VERSION.1);
    if may_install() {
        install(&["python3", "python3-venv"])?;
        return on_path().ok_or_else(|| format!("{needed}, and this distribution's is older"));
    }
    Err(format!("{needed}. Install it (Debian, as root: apt-get install -y python3 python3-venv) and try again."))
}

fn on_path() -> Option<String> {
    let found = ["python3.11", "python3", "python"].into_iter().find(|name| {
        let shown = Command::new(name).arg("--version").stdin(Stdio::null()).output();
        shown.is_ok_and(|shown| is_recent(&String::from_utf8_lossy(&shown.stdout)))
    });
    found.map(str::to_owned)
}

/// Whether this is what a Python prints that is recent enough.
fn is_recent(shown: &str) -> bool {
    let Some(version) = shown.trim().strip_prefix("Python ") else { return false };
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= VERSION
}

fn make_venv(root: &Path, base: &str) -> Result<(), String> {
    let make = || run_command(Command::new(base).args(["-m", "venv", "--clear", ".venv"]).current_dir(root));
    let Err(error) = make() else { return Ok(()) };
    if may_install() {
        install(&["python3-venv"])?;
        return make().map_err(|error| format!("`{base} -m venv .venv` failed: {error}"));
    }
    Err(format!(
        "`{base} -m venv .venv` failed: {error}\nIs the venv module installed? (Debian, as root: apt-get install -y python3-venv)"
    ))
}

/// Whether packages of the distribution can be installed: Debian or alike, and root.
pub(crate) fn may_install() -> bool {
    let root = Command::new("id").arg("-u").stdin(Stdio::null()).output();
    Path::new("/usr/bin/apt-get").exists() && root.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

pub(crate) fn install(packages: &[&str]) -> Result<(), String> {
    println!("installing {}", packages.join(", "));
    let apt = |arguments: &[&str]| {
        run_command(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
    };
    let arguments = [&["install", "-y", "-qq", "--no-install-recommends"], packages].concat();
    // A fresh machine may have no package lists yet.
    apt(&arguments).or_else(|_| apt(&["update", "-qq"]).and_then(|()| apt(&arguments)))
}

fn run_command(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{shown}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&said).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_package_is_read() {
        let requirements = "# exact\nPyro5==5.17\nserpent==1.43\n";
        assert_eq!(pinned(requirements, "Pyro5").unwrap(), "5.17");
        assert!(pinned(requirements, "Pyro").unwrap_err().contains("Pyro==VERSION"));
    }

    #[test]
    fn only_a_recent_python_will_do() {
        assert!(is_recent("Python 3.11.2\n") && is_recent("Python 3.14.0rc1") && is_recent("Python 4.0"));
        assert!(!is_recent("Python 3.9.1") && !is_recent("Python 2.7") && !is_recent("") && !is_recent("Pypy 7"));
    }
}
