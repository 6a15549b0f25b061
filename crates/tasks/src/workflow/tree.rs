//! [`Tree`]: the tasks of a workflow, how they hang together, and what is known of each.

use salamander_value::{Dict, Str, Value};
use salamander_wire::celery::{ResultTree, State};

use crate::canvas::{Canvas, Promise};

/// A task, or what is made of several: a chain, a group, a chord.
///
/// ```
/// # use salamander_tasks::{Signature, canvas::group, workflow::Tree};
/// let [a, b, c] = [(); 3].map(|()| Signature::<i64>::new("tasks.add", (1, 1)));
/// let tree = Tree::of(&(group([a, b]) | c));
/// assert_eq!(tree.tasks().count(), 3);
/// println!("{}", tree.to_dot());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Tree {
    /// What it is.
    pub form: Form,
    /// The id of the task or group; none before it is sent, and of chains and chords.
    pub id: Option<Str>,
    /// The name of the task, where it is known.
    pub name: Option<Str>,
    /// The state of the task, as it was last seen.
    pub state: State,
    /// When it ended, in the form of ISO 8601.
    pub done: Option<Str>,
    /// The worker that had it, where the backend is told of that (`result_extended`, `task_track_started`).
    pub worker: Option<Str>,
    /// Of a chain its members in their order; of a group those that run side by side; of a chord the header, which is a group, and the body.
    pub members: Vec<Tree>,
    /// What a task has sent, or calls with its result.
    pub children: Vec<Tree>,
}

/// What a [`Tree`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// One task.
    #[default]
    Task,
    /// One after the other.
    Chain,
    /// Side by side.
    Group,
    /// A group, and what gets all its results.
    Chord,
}

impl Form {
    /// Its name in Celery.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Chain => "chain",
            Self::Group => "group",
            Self::Chord => "chord",
        }
    }
}

/// How far a workflow is, in numbers of tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// All that are known.
    pub all: usize,
    /// With a result.
    pub succeeded: usize,
    /// Failed.
    pub failed: usize,
    /// Revoked.
    pub revoked: usize,
    /// Begun and not ended, or about to be tried again.
    pub running: usize,
    /// Of which nothing is stored yet.
    pub waiting: usize,
    /// Which will not run, because something before them has failed.
    pub never: usize,
}

impl Counts {
    /// Whether nothing is to come any more.
    pub fn is_over(&self) -> bool {
        self.running == 0 && self.waiting == 0
    }
}

/// How deep a tree may be that comes from elsewhere.
const MAX_DEPTH: usize = 128;

impl Tree {
    /// What a canvas is made of, sent or not. Tasks that are linked to others are their children; errbacks are left out.
    pub fn of(canvas: &Canvas) -> Self {
        let id = canvas.options.text("task_id");
        let linked = || {
            let links = canvas.options.list("link");
            links.iter().filter_map(|link| Canvas::from_value(link).ok()).map(|link| Self::of(&link)).collect()
        };
        let members = || canvas.tasks().iter().map(Self::of).collect();
        if canvas.is_chain() {
            return Self::chain(members());
        }
        if canvas.is_group() {
            return Self::group(id, members());
        }
        match (canvas.is_chord(), canvas.body()) {
            (false, _) => Self { name: Some(canvas.task().into()), children: linked(), ..Self::task(id) },
            (true, body) => {
                let header = Self::group(id, members());
                Self {
                    form: Form::Chord,
                    members: std::iter::once(header).chain(body.map(Self::of)).collect(),
                    ..Self::default()
                }
            }
        }
    }

    /// By the ids of what a canvas gives.
    pub fn of_promise(promise: &Promise) -> Self {
        let own = |promise: &Promise| match &promise.members {
            None => Self::task(Some(promise.id.clone())),
            Some(members) => Self::group(Some(promise.id.clone()), members.iter().map(Self::of_promise).collect()),
        };
        Self::sequence(promise.before.iter().rev().map(own).chain([own(promise)]).collect())
    }

    /// By what stands in a result.
    pub(super) fn of_result(tree: &ResultTree) -> Self {
        let own = |tree: &ResultTree| match &tree.children {
            None => Self::task(Some(tree.id.clone())),
            Some(members) => Self::group(Some(tree.id.clone()), members.iter().map(Self::of_result).collect()),
        };
        let mut steps = vec![own(tree)];
        let mut before = &tree.parent;
        while let Some(parent) = before {
            steps.push(own(parent));
            before = &parent.parent;
        }
        steps.reverse();
        Self::sequence(steps)
    }

    pub(super) fn task(id: Option<Str>) -> Self {
        Self { id, ..Self::default() }
    }

    fn chain(members: Vec<Self>) -> Self {
        Self { form: Form::Chain, members, ..Self::default() }
    }

    fn group(id: Option<Str>, members: Vec<Self>) -> Self {
        Self { form: Form::Group, id, members, ..Self::default() }
    }

    /// One after the other; one alone is itself.
    fn sequence(mut steps: Vec<Self>) -> Self {
        match (steps.pop(), steps.is_empty()) {
            (Some(one), true) => one,
            (last, _) => Self::chain(steps.into_iter().chain(last).collect()),
        }
    }

    /// The tasks in it, each before what follows it.
    pub fn tasks(&self) -> impl Iterator<Item = &Tree> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            loop {
                let next = open.pop()?;
                open.extend(next.children.iter().rev());
                open.extend(next.members.iter().rev());
                if next.form == Form::Task {
                    return Some(next);
                }
            }
        })
    }

    /// How far it is.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.walk(false, &mut |task, never| {
            counts.all += 1;
            *match &task.state {
                State::Success | State::Ignored => &mut counts.succeeded,
                State::Failure => &mut counts.failed,
                State::Revoked | State::Rejected => &mut counts.revoked,
                State::Pending | State::Unknown if never => &mut counts.never,
                State::Pending | State::Unknown => &mut counts.waiting,
                _ => &mut counts.running,
            } += 1;
        });
        counts
    }

    /// The state of the whole: `SUCCESS` where all have ended well, `FAILURE` or `REVOKED` where all have ended and some not well, `STARTED` where
    /// some have begun, else `PENDING`.
    pub fn outcome(&self) -> State {
        let counts = self.counts();
        match counts {
            Counts { failed, .. } if counts.is_over() && failed > 0 => State::Failure,
            Counts { revoked, .. } if counts.is_over() && revoked > 0 => State::Revoked,
            _ if counts.is_over() => State::Success,
            Counts { all, waiting, .. } if waiting < all => State::Started,
            _ => State::Pending,
        }
    }

    /// Visits all tasks, with whether something before them has failed. Says whether what follows it will not run.
    pub(super) fn walk(&self, lost: bool, visit: &mut dyn FnMut(&Tree, bool)) -> bool {
        match self.form {
            Form::Task => {
                visit(self, lost);
                let lost = lost || self.state.is_propagated();
                self.children.iter().for_each(|child| _ = child.walk(lost, visit));
                lost
            }
            Form::Chain | Form::Chord => self.members.iter().fold(lost, |lost, member| member.walk(lost, visit)),
            Form::Group => self.members.iter().fold(lost, |after, member| member.walk(lost, visit) | after),
        }
    }

    /// Changes its tasks.
    pub(super) fn change(&mut self, change: &mut dyn FnMut(&mut Tree)) {
        if self.form == Form::Task {
            change(self);
        }
        self.members.iter_mut().chain(&mut self.children).for_each(|part| part.change(change));
    }

    /// A task that led to one other alone is a chain with it; in a chain only the last one, because what others have led to is not known to come
    /// before what follows them.
    pub(super) fn straighten(&mut self) {
        let steps = self.form == Form::Chain;
        let last = self.members.len().saturating_sub(1);
        for (number, member) in self.members.iter_mut().enumerate() {
            match steps && number < last && member.form == Form::Task {
                true => member.children.iter_mut().for_each(Self::straighten),
                false => member.straighten(),
            }
        }
        self.children.iter_mut().for_each(Self::straighten);
        // A callback that is not sent yet has no id, and is known by its place.
        let is_sent = |one: &Self| one.tasks().all(|task| task.id.is_some());
        let leads_on =
            matches!(&self.children[..], [one] if matches!(one.form, Form::Task | Form::Chain) && is_sent(one));
        if self.form == Form::Task && leads_on {
            let mut task = std::mem::take(self);
            let next = task.children.pop().unwrap_or_default();
            let next = if next.form == Form::Chain { next.members } else { vec![next] };
            *self = Self::chain(std::iter::once(task).chain(next).collect());
        } else if steps {
            match self.members.pop() {
                Some(last) if last.form == Form::Chain => self.members.extend(last.members),
                last => self.members.extend(last),
            }
        }
    }

    /// As a dict: `form`, `id`, `name`, `state`, `done`, `worker`, `members`, `children`; what is not known is left out.
    pub fn to_value(&self) -> Value {
        let mut dict = Dict::from_iter([("form", Value::from(self.form.as_str()))]);
        for (name, text) in [("id", &self.id), ("name", &self.name)] {
            if let Some(text) = text {
                dict.insert(name, text.clone());
            }
        }
        if self.form == Form::Task {
            dict.insert("state", self.state.as_str());
        }
        for (name, text) in [("done", &self.done), ("worker", &self.worker)] {
            if let Some(text) = text {
                dict.insert(name, text.clone());
            }
        }
        for (name, parts) in [("members", &self.members), ("children", &self.children)] {
            if !parts.is_empty() {
                dict.insert(name, Value::List(parts.iter().map(Self::to_value).collect()));
            }
        }
        dict.into()
    }

    /// Out of such a dict; none where it is something else, or nests too deep.
    pub fn from_value(value: &Value) -> Option<Self> {
        Self::read(value, MAX_DEPTH)
    }

    fn read(value: &Value, depth: usize) -> Option<Self> {
        let (dict, depth) = (value.as_dict()?, depth.checked_sub(1)?);
        let text = |name: &str| dict.get(name).and_then(Value::as_str).map(Str::from);
        let form = [Form::Task, Form::Chain, Form::Group, Form::Chord]
            .into_iter()
            .find(|form| dict.get("form").and_then(Value::as_str) == Some(form.as_str()))?;
        let parts = |name: &str| {
            let parts = dict.get(name).and_then(Value::as_slice).unwrap_or_default();
            parts.iter().map(|part| Self::read(part, depth)).collect::<Option<Vec<_>>>()
        };
        Some(Self {
            form,
            id: text("id"),
            name: text("name"),
            state: text("state").map_or(State::Pending, |name| State::from(&*name)),
            done: text("done"),
            worker: text("worker"),
            members: parts("members")?,
            children: parts("children")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signature;
    use crate::canvas::{chord, group};

    fn task(name: &str) -> Signature {
        Signature::new(name, ())
    }

    fn with(mut tree: Tree, states: &[State]) -> Tree {
        let mut states = states.iter();
        tree.change(&mut |task| task.state = states.next().cloned().unwrap_or_default());
        tree
    }

    fn names(tree: &Tree) -> Vec<&str> {
        tree.tasks().map(|task| task.name.as_deref().unwrap_or_default()).collect()
    }

    #[test]
    fn a_canvas_is_a_tree_before_it_is_sent() {
        let tree = Tree::of(&(task("a").link(task("z")) | group([task("b"), task("c")])));
        assert_eq!((tree.form, names(&tree)), (Form::Chain, vec!["a", "z", "b", "c"]));
        assert_eq!((tree.members[0].children.len(), tree.members[1].form), (1, Form::Group));
        let tree = Tree::of(&chord([task("a"), task("b")], task("c") | task("d")));
        assert_eq!((tree.form, names(&tree)), (Form::Chord, vec!["a", "b", "c", "d"]));
        assert_eq!(Tree::from_value(&tree.to_value()), Some(tree));
        assert_eq!(Tree::from_value(&"x".into()), None);
    }

    #[test]
    fn what_follows_a_failure_does_not_run() {
        use State::{Failure, Pending, Revoked, Started, Success};
        let chain = || Tree::of(&(task("a") | task("b") | task("c")));
        for (states, over, outcome) in [
            (vec![], false, Pending),
            (vec![Success, Started], false, Started),
            (vec![Success, Failure], true, Failure),
            (vec![Revoked], true, Revoked),
            (vec![Success; 3], true, Success),
        ] {
            let tree = with(chain(), &states);
            assert_eq!((tree.counts().is_over(), tree.outcome()), (over, outcome), "{states:?}");
        }
        let tree = with(Tree::of(&group([task("a"), task("b")])), &[Failure]);
        assert_eq!(
            (tree.counts().never, tree.counts().waiting),
            (0, 1),
            "side by side they do not wait for each other"
        );
        let tree = with(Tree::of(&chord([task("a"), task("b")], task("c"))), &[Failure, Success]);
        assert_eq!((tree.counts().never, tree.counts().is_over()), (1, true));
    }

    #[test]
    fn what_led_to_one_other_is_a_chain() {
        let id = |id: &str| Tree::task(Some(id.into()));
        let mut tree = Tree { children: vec![Tree { children: vec![id("c")], ..id("b") }], ..id("a") };
        tree.straighten();
        assert_eq!(tree, Tree::chain(vec![id("a"), id("b"), id("c")]));
        tree.members[2].children.push(id("d"));
        tree.members[0].children.push(id("aside"));
        tree.straighten();
        let ids: Vec<_> = tree.members.iter().map(|member| (member.id.as_deref(), member.form)).collect();
        assert_eq!(ids[2..], [(Some("c"), Form::Task), (Some("d"), Form::Task)]);
        assert_eq!(tree.members[0].children, [id("aside")], "what is aside stays there");
    }

    #[test]
    fn promises_and_results_are_trees_in_the_order_of_their_running() {
        let mut promise = Promise::task("last".into());
        let mut middle = Promise::group("g".into(), vec![Promise::task("x".into()), Promise::task("y".into())]);
        middle.after(Promise::task("first".into()));
        promise.after(middle);
        let tree = Tree::of_promise(&promise);
        let ids: Vec<_> = tree.tasks().filter_map(|task| task.id.as_deref()).collect();
        assert_eq!(ids, ["first", "x", "y", "last"]);
        assert_eq!(Tree::of_result(&promise.to_tree()), tree);
    }
}
