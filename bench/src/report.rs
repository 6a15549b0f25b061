//! [`Page`]: a section's tables, its marks, and what of them is missed.

use std::fmt::Write;

use crate::pair::Measured;

/// One section's tables.
pub struct Page {
    title: &'static str,
    text: String,
    marks: Vec<Mark>,
}

/// A table of which each line has a name, some figures, and comparisons with others.
pub struct Table {
    columns: Vec<String>,
    lines: Vec<Line>,
}

struct Line {
    name: String,
    cells: Vec<String>,
    marks: Vec<Mark>,
}

/// A ratio, and what it should be.
#[derive(Clone, Debug)]
struct Mark {
    of: String,
    beside: String,
    measured: Option<f64>,
    /// At least this, or at most.
    required: Option<Required>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Required {
    AtLeast(f64),
    MoreThan(f64),
    AtMost(f64),
}

impl Required {
    fn met(self, figure: Option<f64>) -> bool {
        figure.is_some_and(|figure| match self {
            Required::AtLeast(mark) => figure >= mark,
            Required::MoreThan(mark) => figure > mark,
            Required::AtMost(mark) => figure <= mark,
        })
    }
}

impl std::fmt::Display for Required {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Required::AtLeast(mark) => write!(f, "≥ {mark}"),
            Required::MoreThan(mark) => write!(f, "> {mark}"),
            Required::AtMost(mark) => write!(f, "≤ {mark}"),
        }
    }
}

impl Table {
    /// A table with these columns of figures.
    pub fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|&column| column.to_owned()).collect(), lines: Vec::new() }
    }

    /// A table of rates, with `unit` a second, and CPU time for each.
    pub fn rates(unit: &str, unit_each: &str, measured: &[Measured]) -> Self {
        let mut table = Self::new(&[&format!("{unit}/s"), &format!("CPU µs/{unit_each}")]);
        for one in measured {
            let rate = one.rate().map_or_else(|| format!("failed: {}", one.failure.as_deref().unwrap_or("?")), whole);
            table.line(&one.name, vec![rate, one.cpu().map_or_else(String::new, decimals)]);
        }
        table
    }

    /// Adds a line.
    pub fn line(&mut self, name: &str, cells: Vec<String>) {
        self.lines.push(Line { name: name.to_owned(), cells, marks: Vec::new() });
    }

    /// Adds a comparison to the line of this name.
    pub fn compare(&mut self, name: &str, beside: &str, measured: Option<f64>, required: Option<Required>) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.name == name) {
            line.marks.push(Mark { of: name.to_owned(), beside: beside.to_owned(), measured, required });
        }
    }

    fn markdown(&self) -> String {
        let mut text = format!("| | {} | ratio | to | mark | |\n|---|", self.columns.join(" | "));
        text.push_str(&"---:|".repeat(self.columns.len() + 1));
        text.push_str("---|---:|---|\n");
        for line in &self.lines {
            let _ = write!(text, "| {} | {} |", line.name, line.cells.join(" | "));
            let mut marks = line.marks.iter();
            let _ = match marks.next() {
                None => writeln!(text, " | | | |"),
                Some(mark) => writeln!(text, " {} |", mark.cells()),
            };
            for mark in marks {
                let _ = writeln!(text, "| {}| {} |", "| ".repeat(self.columns.len()), mark.cells());
            }
        }
        text
    }
}

impl Mark {
    fn met(&self) -> Option<bool> {
        self.required.map(|required| required.met(self.measured))
    }

    fn cells(&self) -> String {
        let measured = self.measured.map_or_else(|| "–".to_owned(), ratio);
        let required = self.required.map_or_else(String::new, |required| required.to_string());
        let met = match self.met() {
            None => "",
            Some(true) => "met",
            Some(false) => "**MISSED**",
        };
        format!("{measured} | {} | {required} | {met}", self.beside)
    }
}

impl Page {
    pub fn new(title: &'static str) -> Self {
        Self { title, text: String::new(), marks: Vec::new() }
    }

    /// Adds a paragraph.
    pub fn say(&mut self, text: &str) {
        let _ = writeln!(self.text, "{text}\n");
    }

    /// Adds a table.
    pub fn table(&mut self, table: &Table) {
        let _ = writeln!(self.text, "{}", table.markdown());
        self.marks.extend(table.lines.iter().flat_map(|line| line.marks.iter().cloned()));
    }

    /// Says that the section could not be measured.
    pub fn failed(&mut self, failure: &dyn std::fmt::Display) {
        let _ = writeln!(self.text, "**This section could not be measured: {failure}**\n");
        let required = Some(Required::AtLeast(1.0));
        self.marks.push(Mark { of: "the section".into(), beside: "".into(), measured: None, required });
    }

    pub fn title(&self) -> &str {
        self.title
    }

    /// Paragraphs and tables.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many marks there are and how many of them are met, for all of these.
    pub fn count<'a>(pages: impl IntoIterator<Item = &'a Self>) -> String {
        let marks: Vec<_> = pages.into_iter().flat_map(|page| page.marks.iter().filter_map(Mark::met)).collect();
        format!("{} of {} marks are met.", marks.iter().filter(|met| **met).count(), marks.len())
    }

    /// What is met and what is missed.
    pub fn summary(&self) -> String {
        let mut text = format!("{}\n", Self::count([self]));
        let mut missed = self.marks.iter().filter(|mark| mark.met() == Some(false)).peekable();
        if missed.peek().is_some() {
            text.push('\n');
        }
        for Mark { of, beside, measured, required } in missed {
            let required = required.map_or_else(String::new, |required| required.to_string());
            let measured = measured.map_or_else(|| "not measured".to_owned(), ratio);
            let beside = if beside.is_empty() { String::new() } else { format!(" to {beside}") };
            let _ = writeln!(text, "- missed: {of}: {measured}{beside} (mark {required})");
        }
        text
    }
}

/// A figure with commas between thousands.
pub fn whole(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A figure with two decimals, or none where it is large.
pub fn decimals(figure: f64) -> String {
    if figure >= 1000.0 { whole(figure) } else { format!("{figure:.2}") }
}

fn ratio(figure: f64) -> String {
    if figure >= 100.0 { whole(figure) } else { format!("{figure:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_off() {
        assert_eq!([whole(999.4), whole(1000.0), whole(1_234_567.0)], ["999", "1,000", "1,234,567"]);
    }

    #[test]
    fn what_is_missed_is_said() {
        let mut table = Table::new(&["calls/s"]);
        table.line("ours", vec!["10".into()]);
        table.compare("ours", "theirs", Some(0.5), Some(Required::AtLeast(0.8)));
        table.compare("ours", "others'", Some(2.0), Some(Required::MoreThan(1.0)));
        let mut page = Page::new("Calls");
        page.table(&table);
        assert!(
            page.text()
                .contains("| ours | 10 | 0.50 | theirs | ≥ 0.8 | **MISSED** |\n| | | 2.00 | others' | > 1 | met |")
        );
        assert_eq!(page.summary(), "1 of 2 marks are met.\n\n- missed: ours: 0.50 to theirs (mark ≥ 0.8)\n");
    }
}
