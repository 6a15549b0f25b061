//! `SECURITY.md` says what is so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use interop::python::workspace;

/// The rows of the table of warnings, cell by cell.
fn rows() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(workspace().join("SECURITY.md")).unwrap();
    let (_, table) = text.split_once("| Pyro warns of |").expect("the table of warnings");
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    lines.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// The tests that a row names.
fn named(row: &[String]) -> BTreeSet<String> {
    let names = row.last().into_iter().flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

fn tests_folder() -> PathBuf {
    workspace().join("interop/tests")
}

/// The text of the file that has a test, by the name that cargo gives it: `FILE::test`, or `FOLDER::FILE::test`.
fn source(test: &str) -> Option<String> {
    let (module, _) = test.rsplit_once("::")?;
    let path = tests_folder().join(module.replace("::", "/"));
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    read(&path.with_extension("rs")).or_else(|| read(&path.join("main.rs")))
}

/// The tests of a file: functions below an attribute, and those that macros of cases make.
fn tests(text: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut tests = BTreeSet::new();
    for (at, line) in lines.iter().enumerate() {
        let name =
            |rest: &str| rest.split(|c: char| c != '_' && !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            let function = lines[at..].iter().find_map(|line| line.split_once("fn "));
            tests.extend(function.map(|(_, rest)| name(rest)));
        } else if let Some((case, plays)) = line.split_once(": ")
            && (plays.starts_with("at_once [") || plays.starts_with("after_handshake ["))
        {
            tests.insert(name(case));
        }
    }
    tests
}

#[test]
fn every_test_that_the_table_names_is_there() {
    for row in rows() {
        assert_eq!(row.len(), 3, "{row:?}");
        assert!(!named(&row).is_empty() || row[2].starts_with("none: "), "without a test or a reason: {row:?}");
        for test in named(&row) {
            let text = source(&test).unwrap_or_else(|| panic!("there is no file for {test}"));
            let name = test.rsplit("::").next().unwrap_or_default();
            assert!(tests(&text).contains(name), "there is no test {test}");
        }
    }
}

#[test]
fn every_test_of_security_is_in_the_table() {
    let listed: BTreeSet<String> = rows().iter().flat_map(|row| named(row)).collect();
    for file in std::fs::read_dir(tests_folder().join("security")).unwrap() {
        let path = file.unwrap().path();
        let module = path.file_stem().and_then(|stem| stem.to_str()).unwrap();
        if module == "table" {
            continue;
        }
        for test in tests(&std::fs::read_to_string(&path).unwrap()) {
            let test = format!("security::{module}::{test}");
            assert!(listed.contains(&test), "the table does not have {test}");
        }
    }
}
