//! Groups that are kept, where a backend keeps them.

use salamander_tasks::backend::Backend;
use salamander_wire::celery::ResultTree;
use uuid::Uuid;

use super::{Place, soon};

fn id() -> String {
    Uuid::new_v4().to_string()
}

fn group(id: &str, members: i64) -> ResultTree {
    let member = |number| ResultTree::task(format!("{id}-{number}"));
    let mut tree = ResultTree::group(id, (0..members).map(member).collect());
    tree.parent = Some(Box::new(ResultTree::task(format!("before-{id}"))));
    tree
}

async fn found(backend: &dyn Backend, id: &str) -> Option<ResultTree> {
    soon("looking for a group", backend.groups().unwrap().restore(id)).await
}

/// What one connection keeps another one finds, as it was; what is kept again takes its place, and what is deleted is gone.
pub async fn groups_are_kept(place: Box<dyn Place>) {
    let (one, other) = (place.connect(), place.connect());
    let Some(groups) = one.groups() else {
        assert!(!one.capabilities().shared, "what anybody can look at keeps groups");
        return;
    };
    let (first, second) = (id(), id());
    soon("keeping", groups.save(group(&first, 3))).await;
    soon("keeping", groups.save(group(&second, 0))).await;
    assert_eq!(found(&*other, &first).await, Some(group(&first, 3)));
    assert_eq!(found(&*other, &second).await, Some(group(&second, 0)));
    soon("keeping again", groups.save(group(&first, 1))).await;
    assert_eq!(found(&*other, &first).await, Some(group(&first, 1)));
    soon("deleting", other.groups().unwrap().delete(&first)).await;
    soon("deleting twice", other.groups().unwrap().delete(&first)).await;
    assert_eq!((found(&*one, &first).await, found(&*one, &second).await), (None, Some(group(&second, 0))));
}
