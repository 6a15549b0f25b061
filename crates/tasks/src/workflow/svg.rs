//! A [`Tree`] as a picture.

use std::fmt::Write;

use salamander_wire::celery::State;

use super::text::{Folded, folded};
use super::{Form, Tree};

/// Sizes, in pixels.
const WIDE: usize = 196;
const HIGH: usize = 54;
const GAP: usize = 34;
const BETWEEN: usize = 12;
const FRAME: usize = 10;
const TITLE: usize = 18;
const MARGIN: usize = 16;

/// Of more members than these the middle ones are left out.
const MOST: usize = 24;

impl Tree {
    /// It as a picture: tasks as boxes with their names, states and ids, coloured by their states; groups with a frame around them; from
    /// left to right in the order of their running. The middle ones of more than 24 members are left out, and counted.
    pub fn to_svg(&self) -> String {
        let laid = Laid::of(self);
        let (wide, high) = (laid.wide + 2 * MARGIN, laid.high + 2 * MARGIN);
        let mut svg = String::new();
        _ = writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" viewBox=\"0 0 {wide} {high}\" \
             font-family=\"sans-serif\" font-size=\"12\">"
        );
        let outcome = self.outcome();
        _ = writeln!(svg, "<title>workflow: {outcome}</title>");
        svg += "<defs><marker id=\"to\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" orient=\"auto\">\
                <path d=\"M0,0 L8,4 L0,8 z\" fill=\"#555\"/></marker></defs>\n";
        _ = writeln!(svg, "<rect width=\"{wide}\" height=\"{high}\" fill=\"#fff\"/>");
        laid.draw(MARGIN, MARGIN, &mut svg);
        svg += "</svg>\n";
        svg
    }
}

/// The colour of a state; its name stands beside it always.
pub(super) fn fill(state: &State) -> &'static str {
    match state {
        State::Success => "#c8e6c9",
        State::Failure => "#ffcdd2",
        State::Revoked | State::Rejected => "#e1bee7",
        State::Retry => "#ffe0b2",
        State::Started | State::Received | State::Custom(_) => "#bbdefb",
        State::Ignored => "#d7ccc8",
        _ => "#eceff1",
    }
}

/// A part with its size.
struct Laid<'a> {
    wide: usize,
    high: usize,
    what: What<'a>,
}

enum What<'a> {
    Task(&'a Tree),
    /// What is left out.
    More(usize, String),
    /// One after the other, with arrows.
    Row(Vec<Laid<'a>>),
    /// One below the other; in a frame with this title.
    Column(Option<&'static str>, Vec<Laid<'a>>),
}

impl<'a> Laid<'a> {
    fn of(tree: &'a Tree) -> Self {
        match tree.form {
            Form::Task => {
                let own = Self { wide: WIDE, high: HIGH, what: What::Task(tree) };
                match tree.children.is_empty() {
                    true => own,
                    false => Self::row(vec![own, Self::column(None, Self::all(&tree.children))]),
                }
            }
            Form::Group => Self::column(Some("group"), Self::all(&tree.members)),
            Form::Chain | Form::Chord => Self::row(Self::all(&tree.members)),
        }
    }

    fn all(parts: &'a [Tree]) -> Vec<Self> {
        let Folded { first, hidden, last } = folded(parts, MOST);
        let more = hidden.map(|(count, states)| Self { wide: WIDE, high: HIGH, what: What::More(count, states) });
        first.iter().map(Self::of).chain(more).chain(last.iter().map(Self::of)).collect()
    }

    fn row(parts: Vec<Self>) -> Self {
        let wide = parts.iter().map(|part| part.wide).sum::<usize>() + GAP * parts.len().saturating_sub(1);
        let high = parts.iter().map(|part| part.high).max().unwrap_or_default();
        Self { wide, high, what: What::Row(parts) }
    }

    fn column(title: Option<&'static str>, parts: Vec<Self>) -> Self {
        let wide = parts.iter().map(|part| part.wide).max().unwrap_or(WIDE / 2);
        let high = parts.iter().map(|part| part.high).sum::<usize>() + BETWEEN * parts.len().saturating_sub(1);
        let (more_wide, more_high) = if title.is_some() { (2 * FRAME, 2 * FRAME + TITLE) } else { (0, 0) };
        Self { wide: wide + more_wide, high: high + more_high, what: What::Column(title, parts) }
    }

    fn draw(&self, x: usize, y: usize, svg: &mut String) {
        match &self.what {
            What::Task(task) => draw_task(task, x, y, svg),
            What::More(count, states) => {
                draw_box(x, y, "#fff", svg);
                draw_text(x, y + 22, 12, &format!("… {count} more"), svg);
                draw_text(x, y + 40, 10, states, svg);
            }
            What::Row(parts) => {
                let (mut left, middle) = (x, y + self.high / 2);
                for (number, part) in parts.iter().enumerate() {
                    part.draw(left, middle - part.high / 2, svg);
                    left += part.wide + GAP;
                    if number + 1 < parts.len() {
                        let (from, to) = (left - GAP, left);
                        _ = writeln!(
                            svg,
                            "<line x1=\"{from}\" y1=\"{middle}\" x2=\"{to}\" y2=\"{middle}\" stroke=\"#555\" marker-end=\"url(#to)\"/>"
                        );
                    }
                }
            }
            What::Column(title, parts) => {
                let (mut left, mut top) = (x, y);
                if let Some(title) = title {
                    let (wide, high) = (self.wide, self.high);
                    _ = writeln!(
                        svg,
                        "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" rx=\"10\" fill=\"none\" stroke=\"#999\" \
                         stroke-dasharray=\"5 4\"/>"
                    );
                    draw_text(x, y + TITLE - 2, 11, title, svg);
                    left += FRAME;
                    top += FRAME + TITLE;
                }
                for part in parts {
                    part.draw(left, top, svg);
                    top += part.high + BETWEEN;
                }
            }
        }
    }
}

fn draw_task(task: &Tree, x: usize, y: usize, svg: &mut String) {
    let id = task.id.as_deref().unwrap_or_default();
    _ = writeln!(svg, "<g><title>{}</title>", escaped(id));
    draw_box(x, y, fill(&task.state), svg);
    let name = task.name.as_deref().unwrap_or(if id.is_empty() { "task" } else { id });
    draw_text(x, y + 19, 12, &shortened(name, 28), svg);
    draw_text(x, y + 34, 11, task.state.as_str(), svg);
    // The whole of it is told where one points.
    draw_text(x, y + 47, 9, &shortened(id, 36), svg);
    svg.push_str("</g>\n");
}

fn draw_box(x: usize, y: usize, colour: &str, svg: &mut String) {
    _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDE}\" height=\"{HIGH}\" rx=\"8\" fill=\"{colour}\" stroke=\"#555\"/>"
    );
}

fn draw_text(x: usize, y: usize, size: usize, text: &str, svg: &mut String) {
    let x = x + 10;
    _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"#111\">{}</text>", escaped(text));
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// As XML has text. What XML has no word for is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\u{fffe}' | '\u{ffff}' => {}
            char if char.is_control() => escaped.push(' '),
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signature;
    use crate::canvas::{chord, group};

    #[test]
    fn a_tree_is_a_picture_that_names_what_it_colours() {
        let task = |name: &str| Signature::<i64>::new(name, ()).task_id("<id>");
        let mut tree = Tree::of(&(task("a&b") | chord([task("c"), task("d")], task("e"))));
        tree.change(&mut |task| task.state = State::Failure);
        let svg = tree.to_svg();
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"), "{svg}");
        assert_eq!((svg.matches(">FAILURE<").count(), svg.matches("#ffcdd2").count()), (4, 4));
        assert!(svg.contains("a&amp;b") && svg.contains("&lt;id&gt;") && !svg.contains("<id>"), "{svg}");
        let svg = Tree::of(&group((0..1000).map(|_| task("x")))).to_svg();
        assert!(svg.contains("976 more") && svg.len() < 30_000);
    }
}
