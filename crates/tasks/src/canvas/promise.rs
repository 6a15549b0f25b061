//! [`Promise`]: the ids of what a canvas will give.

use salamander_value::Str;
use salamander_wire::celery::ResultTree;

/// The ids of what a canvas gives once it is sent: its last result, and those that this one follows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Promise {
    /// The id of the task or group.
    pub id: Str,
    /// The members of a group; none where it is a task.
    pub members: Option<Vec<Promise>>,
    /// What comes before it, the nearest first. These have nothing before them here.
    pub before: Vec<Promise>,
}

impl Promise {
    pub(crate) fn task(id: Str) -> Self {
        Self { id, members: None, before: Vec::new() }
    }

    pub(crate) fn group(id: Str, members: Vec<Self>) -> Self {
        Self { id, members: Some(members), before: Vec::new() }
    }

    /// Whether it is a group's.
    pub fn is_group(&self) -> bool {
        self.members.is_some()
    }

    /// With something that comes before all of it.
    pub(crate) fn after(&mut self, mut first: Self) {
        let before = std::mem::take(&mut first.before);
        self.before.push(first);
        self.before.extend(before);
    }

    /// Out of what was stored or sent.
    pub(crate) fn of_tree(tree: &ResultTree) -> Self {
        let own = |tree: &ResultTree| {
            let members = tree.children.as_ref();
            Self {
                id: tree.id.clone(),
                members: members.map(|members| members.iter().map(Self::of_tree).collect()),
                before: Vec::new(),
            }
        };
        let before = std::iter::successors(tree.parent.as_deref(), |parent| parent.parent.as_deref()).map(own);
        Self { before: before.collect(), ..own(tree) }
    }

    /// The ids of the tasks: its own, or those of its members and of theirs.
    pub(crate) fn task_ids(&self, ids: &mut Vec<Str>) {
        match &self.members {
            None => ids.push(self.id.clone()),
            Some(members) => members.iter().for_each(|member| member.task_ids(ids)),
        }
    }

    /// As it is stored and sent.
    pub(crate) fn to_tree(&self) -> ResultTree {
        let mut parent = None;
        for one in self.before.iter().rev() {
            parent = Some(Box::new(one.node(parent)));
        }
        self.node(parent)
    }

    fn node(&self, parent: Option<Box<ResultTree>>) -> ResultTree {
        let children = self.members.as_ref().map(|members| members.iter().map(Self::to_tree).collect());
        ResultTree { id: self.id.clone(), parent, children }
    }
}
