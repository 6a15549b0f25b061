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
