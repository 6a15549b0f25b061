//! `EXAMPLES.md` says what is so.

use std::collections::BTreeSet;
use std::path::Path;

use interop::examples::folder;
use interop::python::workspace;
use salamander::Generation;

use crate::GENERATION;
use crate::both::either;

/// The rows of the table of a generation, cell by cell.
fn rows(generation: Generation) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(workspace().join("interop/EXAMPLES.md")).unwrap();
    let heading = match generation {
        Generation::Pyro5 => "## Pyro5's\n",
        Generation::Pyro4 => "## Pyro4's\n",
    };
    let (_, part) = text.split_once(heading).unwrap();
    let part = part.split("\n## ").next().unwrap();
    let lines = part.lines().filter(|line| line.starts_with("| ")).skip(1);
    lines.map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// The tests that are named in a cell.
fn named(cell: &str) -> impl Iterator<Item = String> + '_ {
    cell.split('`').skip(1).step_by(2).filter(|name| name.contains("::")).map(str::to_owned)
}

/// The tests that there are.
fn tests() -> BTreeSet<String> {
    let folders = ["plays", either("pyro5_examples", "pyro4_examples")];
    let files = folders.map(|folder| std::fs::read_dir(workspace().join("interop/tests").join(folder)).unwrap());
    let mut tests = BTreeSet::new();
    for file in files.into_iter().flatten() {
        let path = file.unwrap().path();
        let module = path.file_stem().and_then(|stem| stem.to_str()).unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0].starts_with("#[tokio::test")) {
            let name = pair[1].strip_prefix("async fn ").and_then(|rest| rest.split('(').next()).unwrap();
            tests.insert(format!("{module}::{name}"));
        }
    }
    tests
}

#[test]
fn every_example_is_in_the_table() {
    let entries = std::fs::read_dir(folder(GENERATION)).unwrap().map(|entry| entry.unwrap().path());
    let folders: BTreeSet<String> = entries
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let listed: Vec<String> = rows(GENERATION).into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(listed, folders.into_iter().collect::<Vec<_>>(), "each once, in their order");
}

#[test]
fn every_test_is_in_the_table_and_every_one_in_the_table_is_there() {
    let listed: BTreeSet<String> =
        rows(GENERATION).iter().flatten().flat_map(|cell| named(cell).collect::<Vec<_>>()).collect();
    assert_eq!(listed, tests());
}

#[test]
fn what_is_left_out_has_its_reason() {
    for row in rows(GENERATION) {
        let tests = row[2..4].iter().flat_map(|cell| named(cell)).count();
        assert_eq!(tests == 0, row[4].starts_with("left out: "), "{row:?}");
    }
}

#[test]
fn every_counterpart_belongs_to_an_example() {
    let rows = [Generation::Pyro5, Generation::Pyro4].map(rows).concat();
    let known: BTreeSet<String> = rows.into_iter().map(|row| row[1].replace('-', "_")).collect();
    let parts = ["mod", "clock", "printed", "program", "stage"];
    for file in std::fs::read_dir(Path::new(workspace()).join("interop/src/examples")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap();
        assert!(known.contains(name) || parts.contains(&name), "{name} is no example");
    }
}
