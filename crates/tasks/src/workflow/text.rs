//! A [`Tree`] as lines of text.

use std::fmt;

use salamander_wire::celery::State;

use super::{Form, Tree};

/// A line of a tree that is drawn as text: `branch`, then the state of a task, then what else there is to say.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Line {
    /// What leads to it from the left.
    pub branch: String,
    /// Of a task.
    pub state: Option<State>,
    /// Its name and its id, and whether it will not run; or what it is made of.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.branch)?;
        if let Some(state) = &self.state {
            write!(f, "{state}  ")?;
        }
        f.write_str(&self.text)
    }
}

/// What leads to the next part, and to what is inside of that.
type Branch<'a> = dyn FnMut() -> (&'static str, &'static str) + 'a;

/// Members of which the middle ones may be left out.
pub(super) struct Folded<'a> {
    pub(super) first: &'a [Tree],
    /// How many are left out, and what there is to say of them.
    pub(super) hidden: Option<(usize, String)>,
    pub(super) last: &'a [Tree],
}

/// The first and the last ones where there are more than this.
pub(super) fn folded(parts: &[Tree], most: usize) -> Folded<'_> {
    let most = most.max(2);
    if parts.len() <= most {
        return Folded { first: parts, hidden: None, last: &[] };
    }
    let (first, rest) = parts.split_at(most.div_ceil(2));
    let (middle, last) = rest.split_at(rest.len() - most / 2);
    let mut states: Vec<(&State, usize)> = Vec::new();
    for task in middle.iter().flat_map(Tree::tasks) {
        match states.iter_mut().find(|(state, _)| **state == task.state) {
            Some((_, count)) => *count += 1,
            None => states.push((&task.state, 1)),
        }
    }
    states.sort_by_key(|(state, _)| state.precedence());
    let states: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    Folded { first, hidden: Some((middle.len(), states.join(", "))), last }
}

impl Tree {
    /// It as lines of text. Of chains, groups and children that have more than `most` members the middle ones are counted and left out.
    pub fn lines(&self, most: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        self.draw("", "", most, false, &mut lines);
        lines
    }

    /// All of it as text, a line for each task.
    pub fn to_text(&self) -> String {
        self.lines(usize::MAX).iter().map(|line| format!("{line}\n")).collect()
    }

    /// `here` leads to it, `below` to what is inside. Says whether what follows it will not run.
    fn draw(&self, here: &str, below: &str, most: usize, lost: bool, lines: &mut Vec<Line>) -> bool {
        let mut text = match self.form {
            Form::Task => self.name.as_deref().unwrap_or_default().to_owned(),
            form => form.as_str().to_owned(),
        };
        if let Some(id) = &self.id {
            text += if text.is_empty() { "" } else { "  " };
            text += id;
        }
        if let Some(worker) = self.worker.as_ref().filter(|_| !self.state.is_ready()) {
            text += &format!("  at {worker}");
        }
        let waits = matches!(self.state, State::Pending | State::Unknown);
        if self.form == Form::Task && lost && waits {
            text += "  (will not run)";
        }
        let state = (self.form == Form::Task).then(|| self.state.clone());
        lines.push(Line { branch: here.to_owned(), state, text });
        let side_by_side = self.form == Form::Group;
        let parts = if self.form == Form::Task { &self.children } else { &self.members };
        let mut after = lost || (self.form == Form::Task && self.state.is_propagated());
        let inside = after;
        let Folded { first, hidden, last } = folded(parts, most);
        let mut left = first.len() + last.len() + usize::from(hidden.is_some());
        let mut branch = || {
            left -= 1;
            if left == 0 { ("└─ ", "   ") } else { ("├─ ", "│  ") }
        };
        let draw = |parts: &[Tree], after: &mut bool, lines: &mut Vec<Line>, branch: &mut Branch<'_>| {
            for part in parts {
                let (own, further) = branch();
                let lost = if side_by_side || self.form == Form::Task { inside } else { *after };
                *after |= part.draw(&format!("{below}{own}"), &format!("{below}{further}"), most, lost, lines);
            }
        };
        draw(first, &mut after, lines, &mut branch);
        if let Some((count, states)) = hidden {
            let (own, _) = branch();
            lines.push(Line {
                branch: format!("{below}{own}"),
                state: None,
                text: format!("… {count} more: {states}"),
            });
            // What of them has failed counts for those behind.
            let middle = &parts[first.len()..parts.len() - last.len()];
            after |= middle.iter().any(|part| part.tasks().any(|task| task.state.is_propagated()));
        }
        draw(last, &mut after, lines, &mut branch);
        if self.form == Form::Task { inside } else { after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signature;
    use crate::canvas::{chord, group};

    fn task(name: &str) -> Signature {
        Signature::new(name, ()).task_id(format!("id-{name}"))
    }

    #[test]
    fn a_tree_is_drawn() {
        let canvas = task("a").link(task("z")) | chord([task("b"), task("c")], task("d"));
        let mut tree = Tree::of(&canvas);
        tree.change(&mut |task| {
            task.state = match task.name.as_deref() {
                Some("b") => State::Failure,
                Some("d") => State::Pending,
                _ => State::Success,
            }
        });
        let expected = "\
chain
├─ SUCCESS  a  id-a
│  └─ SUCCESS  z  id-z
└─ chord
   ├─ group
   │  ├─ FAILURE  b  id-b
   │  └─ SUCCESS  c  id-c
   └─ PENDING  d  id-d  (will not run)
";
        assert_eq!(tree.to_text(), expected);
    }

    #[test]
    fn what_is_long_is_folded() {
        let tree = Tree::of(&group((0..9).map(|number| task(&number.to_string()))));
        let lines: Vec<String> = tree.lines(4).iter().map(ToString::to_string).collect();
        let expected = [
            "group",
            "├─ PENDING  0  id-0",
            "├─ PENDING  1  id-1",
            "├─ … 5 more: 5 PENDING",
            "├─ PENDING  7  id-7",
            "└─ PENDING  8  id-8",
        ];
        assert_eq!(lines, expected);
    }
}
