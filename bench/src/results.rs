//! The folder of results: a file for each section, and a list of them all, made of the files.
//!
//! A section is measured in one run and stands in one file, with the day and the commit of that run; so one section can be measured
//! again without the others.

use std::fs;
use std::path::Path;

use salamander_bench_harness::Failure;

use crate::report::Page;
use crate::sections;

/// The list, beside the files.
const LIST: &str = "README.md";

/// What the list takes from a section's file.
struct Entry {
    title: String,
    /// When and of what, as the head says it.
    measured: String,
    /// How many marks are met.
    marks: String,
    missed: Vec<String>,
}

/// Writes a section's file, and the list anew.
pub fn write(folder: &Path, name: &str, head: &str, page: &Page) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    fs::write(
        folder.join(format!("{name}.md")),
        format!("# {}\n\n{head}\n{}\n{}", page.title(), page.summary(), page.text()),
    )?;
    fs::write(folder.join(LIST), list(folder)?)?;
    Ok(())
}

/// All sections in their order, and the marks that they miss.
fn list(folder: &Path) -> Result<String, Failure> {
    let mut lines = String::from("| section | measured | marks |\n|---|---|---|\n");
    let mut missed = String::new();
    for section in sections::ALL {
        let name = section.name;
        let Ok(text) = fs::read_to_string(folder.join(format!("{name}.md"))) else {
            lines.push_str(&format!("| {name}: {} | not yet | |\n", section.title));
            continue;
        };
        let entry =
            Entry::read(&text).ok_or_else(|| format!("{name}.md is not as this program writes it; delete it"))?;
        lines.push_str(&format!("| [{name}]({name}.md): {} | {} | {} |\n", entry.title, entry.measured, entry.marks));
        for mark in entry.missed {
            missed.push_str(&format!("- {name}: {mark}\n"));
        }
    }
    if missed.is_empty() {
        missed.push_str("None.\n");
    }
    Ok(format!(
        "# Results\n\nWritten by `salamander-bench`; do not edit. How to measure and to read: `../README.md`; why a mark is missed: \
         `../MISSED.md`.\n\n{lines}\n## Missed\n\n{missed}"
    ))
}

impl Entry {
    fn read(text: &str) -> Option<Self> {
        let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
        let tables = text.find("\n| |").unwrap_or(text.len());
        let (_, measured) = line("Written by `")?.split_once("` on ")?;
        Some(Self {
            title: line("# ")?.to_owned(),
            measured: measured.split_once("; do not edit").map_or(measured, |(measured, _)| measured).to_owned(),
            marks: text.lines().find_map(|line| line.strip_suffix(" marks are met."))?.to_owned(),
            missed: text[..tables]
                .lines()
                .filter_map(|line| line.strip_prefix("- missed: "))
                .map(str::to_owned)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Required, Table};

    #[test]
    fn the_list_is_made_of_the_files() {
        let folder = std::env::temp_dir().join(format!("salamander-bench-results-{}", std::process::id()));
        let mut table = Table::new(&["calls/s"]);
        table.line("ours", vec!["10".into()]);
        table.compare("ours", "theirs", Some(0.5), Some(Required::AtLeast(0.8)));
        let mut page = Page::new("Calls");
        page.table(&table);
        write(&folder, "sequential", "Written by `us` on a day, commit 1; do not edit.\n\n- CPU: one\n", &page)
            .unwrap();
        let list = fs::read_to_string(folder.join(LIST)).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert!(list.contains("| [sequential](sequential.md): Calls | a day, commit 1 | 0 of 1 |"), "{list}");
        assert!(list.contains("\n## Missed\n\n- sequential: ours: 0.50 to theirs (mark ≥ 0.8)\n"), "{list}");
        assert!(list.contains("| batch: "), "{list}");
    }
}
