//! A [`Tree`] in the language of Graphviz.

use std::fmt::Write;

use super::svg::fill;
use super::{Form, Tree};

impl Tree {
    /// It as a graph for Graphviz's `dot`: tasks with their names, states and ids; groups with a frame around them.
    pub fn to_dot(&self) -> String {
        let mut graph = Graph::default();
        graph.line("digraph workflow {");
        graph.line("  rankdir=LR;");
        graph.line("  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=11];");
        graph.draw(self, 1);
        graph.line("}");
        graph.text
    }
}

#[derive(Default)]
struct Graph {
    text: String,
    nodes: usize,
}

/// Where one comes in, and where one goes on.
struct Ends {
    first: Vec<usize>,
    last: Vec<usize>,
}

impl Graph {
    fn line(&mut self, line: &str) {
        self.text += line;
        self.text.push('\n');
    }

    fn node(&mut self) -> usize {
        self.nodes += 1;
        self.nodes
    }

    fn draw(&mut self, tree: &Tree, depth: usize) -> Ends {
        let pad = "  ".repeat(depth);
        match tree.form {
            Form::Task => {
                let number = self.node();
                let lines = [tree.name.as_deref(), Some(tree.state.as_str()), tree.id.as_deref()];
                let label: Vec<String> = lines.into_iter().flatten().map(quoted).collect();
                let (label, colour) = (label.join("\\n"), fill(&tree.state));
                _ = writeln!(self.text, "{pad}n{number} [label=\"{label}\", fillcolor=\"{colour}\"];");
                for child in &tree.children {
                    let ends = self.draw(child, depth);
                    self.edges(&[number], &ends.first, &pad, " [style=dashed]");
                }
                Ends { first: vec![number], last: vec![number] }
            }
            Form::Group => {
                let number = self.node();
                _ = writeln!(self.text, "{pad}subgraph cluster_{number} {{");
                let id = tree.id.as_deref().map(quoted).unwrap_or_default();
                _ = writeln!(
                    self.text,
                    "{pad}  label=\"{}\"; tooltip=\"{id}\"; style=\"rounded,dashed\";",
                    tree.form.as_str()
                );
                let mut all = Ends { first: Vec::new(), last: Vec::new() };
                for member in &tree.members {
                    let ends = self.draw(member, depth + 1);
                    all.first.extend(ends.first);
                    all.last.extend(ends.last);
                }
                _ = writeln!(self.text, "{pad}}}");
                all
            }
            Form::Chain | Form::Chord => {
                let mut all = Ends { first: Vec::new(), last: Vec::new() };
                for member in &tree.members {
                    let ends = self.draw(member, depth);
                    if ends.first.is_empty() {
                        continue;
                    }
                    if all.first.is_empty() {
                        all.first.clone_from(&ends.first);
                    }
                    self.edges(&all.last, &ends.first, &pad, "");
                    all.last = ends.last;
                }
                all
            }
        }
    }

    /// From each to each; where that would be many, through a point.
    fn edges(&mut self, from: &[usize], to: &[usize], pad: &str, style: &str) {
        if from.len() > 1 && to.len() > 1 {
            let point = self.node();
            _ = writeln!(self.text, "{pad}n{point} [shape=point, label=\"\"];");
            self.edges(from, &[point], pad, style);
            return self.edges(&[point], to, pad, style);
        }
        for from in from {
            for to in to {
                _ = writeln!(self.text, "{pad}n{from} -> n{to}{style};");
            }
        }
    }
}

/// Inside of quotation marks.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            char if char.is_control() => quoted.push(' '),
            char => quoted.push(char),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signature;
    use crate::canvas::group;

    #[test]
    fn a_tree_is_a_graph() {
        let task = |name: &str| Signature::<i64>::new(name, ());
        let dot = Tree::of(&(task("a\"b") | group([task("c"), task("d")]))).to_dot();
        assert!(dot.starts_with("digraph workflow {\n") && dot.ends_with("}\n"), "{dot}");
        assert!(dot.contains("label=\"a\\\"b\\nPENDING\""), "{dot}");
        assert!(dot.contains("  n1 -> n3;\n  n1 -> n4;\n"), "{dot}");
        let wide =
            Tree { form: Form::Chain, members: vec![Tree::of(&group([task("a"), task("b")])); 2], ..Tree::default() };
        assert_eq!(wide.to_dot().matches(" -> ").count(), 4, "two by two go through a point");
    }
}
