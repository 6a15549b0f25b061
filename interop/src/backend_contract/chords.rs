//! Chords: their parts are counted, once each, and somebody goes on with them, whatever happens to whom.

use std::sync::Arc;

use salamander_tasks::backend::{Backend, Begun, Chords, Claim, Counted, Part};
use salamander_value::{Dict, Exception, Str, Value};
use salamander_wire::celery::{ExceptionMeta, ResultTree, ResultValue, State};
use uuid::Uuid;

use super::{Place, done, soon, store};

/// A chord of its own, whose parts are tasks by these names.
struct Header {
    group: Str,
    tasks: Vec<Str>,
}

impl Header {
    fn new(count: usize) -> Self {
        let id = || Str::from(Uuid::new_v4().to_string());
        Self { group: id(), tasks: (0..count).map(|_| id()).collect() }
    }

    fn body(&self) -> Value {
        let options = Dict::from_iter([("task_id", format!("body-of-{}", self.group))]);
        Dict::from_iter([("task", Value::from("tasks.xsum")), ("options", options.into())]).into()
    }

    /// Begins it, with Python's workers out of the game where those would go on by themselves.
    async fn begin(&self, chords: &dyn Chords) {
        let header: Vec<_> = self.tasks.iter().map(|task| ResultTree::task(task.clone())).collect();
        self.begin_of(chords, header).await;
    }

    async fn begin_of(&self, chords: &dyn Chords, header: Vec<ResultTree>) {
        let chord = Begun { group_id: self.group.clone(), header, body: self.body() };
        soon("it begins", chords.begin(chord.clone())).await;
        soon("its size", chords.set_size(&self.group, self.tasks.len())).await;
        if chords.needs_unlock() {
            assert!(matches!(soon("it is taken over", chords.adopt(chord)).await, Counted::Waiting));
        }
    }

    async fn part(&self, chords: &dyn Chords, index: usize, state: State, result: ResultValue) -> Option<Claim> {
        let part = Part {
            group_id: self.group.clone(),
            task_id: self.tasks[index].clone(),
            group_index: i64::try_from(index).ok(),
            state,
            result,
        };
        match soon("a part", chords.part(part)).await {
            Counted::Last(claim) => Some(claim),
            Counted::Waiting | Counted::WaitingUnknown => None,
        }
    }

    async fn succeeds(&self, chords: &dyn Chords, index: usize) -> Option<Claim> {
        let result = ResultValue::Value(i64::try_from(index).unwrap().into());
        self.part(chords, index, State::Success, result).await
    }
}

fn counts(backend: &Arc<dyn Backend>) -> &dyn Chords {
    backend.chords().unwrap()
}

async fn joined(chords: &dyn Chords, claim: &Claim) -> String {
    match soon("the results", chords.join(claim)).await {
        Ok(results) => Value::List(results).to_string(),
        Err(broken) => broken.reason.to_string(),
    }
}

/// Whoever counts the last part goes on, and nobody else; results come in the order of the header.
pub async fn the_last_part_goes_on(place: Box<dyn Place>) {
    let (one, other) = (place.connect(), place.connect());
    let header = Header::new(3);
    header.begin(counts(&one)).await;
    assert!(header.succeeds(counts(&one), 2).await.is_none());
    assert!(header.succeeds(counts(&other), 0).await.is_none());
    let claim = header.succeeds(counts(&other), 1).await.expect("it was the last one");
    assert_eq!(joined(counts(&other), &claim).await, "[0, 1, 2]");
    let wrong = Claim { token: "another".into(), ..claim.clone() };
    assert!(!soon("more time", counts(&one).extend(&wrong)).await);
    assert!(soon("more time", counts(&other).extend(&claim)).await);
    soon("it is done", counts(&other).finish(&claim)).await;
    assert!(!soon("more time", counts(&one).extend(&wrong)).await, "it is done");
}

/// A part that comes twice counts once, even when all is over.
pub async fn a_part_counts_once(place: Box<dyn Place>) {
    let backend = place.connect();
    let header = Header::new(2);
    header.begin(counts(&backend)).await;
    for _ in 0..3 {
        assert!(header.succeeds(counts(&backend), 0).await.is_none());
    }
    let claim = header.succeeds(counts(&backend), 1).await.expect("it was the last one");
    assert!(header.succeeds(counts(&backend), 1).await.is_none(), "somebody goes on");
    assert!(soon("more time", counts(&backend).extend(&claim)).await);
    soon("it is done", counts(&backend).finish(&claim)).await;
    for index in [0, 1] {
        assert!(header.succeeds(counts(&backend), index).await.is_none(), "it is done");
    }
    // The same ids may be used once more.
    header.begin(counts(&backend)).await;
    assert!(header.succeeds(counts(&backend), 0).await.is_none());
    assert!(header.succeeds(counts(&backend), 1).await.is_some());
}

/// Of parts that end at the same time, by many connections, one goes on.
pub async fn one_of_many_goes_on(place: Box<dyn Place>) {
    let backends: Vec<_> = (0..4).map(|_| place.connect()).collect();
    let header = Arc::new(Header::new(40));
    header.begin(counts(&backends[0])).await;
    let counting = (0..40).map(|index| {
        let (backend, header) = (backends[index % 4].clone(), header.clone());
        tokio::spawn(async move { header.succeeds(counts(&backend), index).await.is_some() })
    });
    let counting: Vec<_> = counting.collect();
    let mut last = 0;
    for counted in counting {
        last += usize::from(counted.await.unwrap());
    }
    assert_eq!(last, 1);
}

/// What a part failed with is what the chord fails with.
pub async fn a_part_that_fails_is_told(place: Box<dyn Place>) {
    let backend = place.connect();
    let header = Header::new(2);
    header.begin(counts(&backend)).await;
    let exception = ExceptionMeta::from(&Exception::value_error("broken"));
    assert!(header.part(counts(&backend), 0, State::Failure, ResultValue::Exception(exception)).await.is_none());
    let claim = header.succeeds(counts(&backend), 1).await.expect("it was the last one");
    let expected = format!("Dependency {} raised ValueError('broken')", header.tasks[0]);
    assert_eq!(joined(counts(&backend), &claim).await, expected);
}

/// Groups in the header are lists in its results.
pub async fn groups_are_put_together_again(place: Box<dyn Place>) {
    let backend = place.connect();
    let header = Header::new(3);
    let [a, b, c] = &header.tasks[..] else { unreachable!() };
    let inner = ResultTree::group("inner", vec![ResultTree::task(b.clone()), ResultTree::task(c.clone())]);
    header.begin_of(counts(&backend), vec![ResultTree::task(a.clone()), inner]).await;
    let mut claim = None;
    for index in 0..3 {
        let result = i64::try_from(index).unwrap();
        store(&*backend, &*backend, done(&header.tasks[index], State::Success, result)).await;
        claim = header.succeeds(counts(&backend), index).await;
    }
    assert_eq!(joined(counts(&backend), &claim.expect("it was the last one")).await, "[0, [1, 2]]");
}

/// Who goes on and says nothing more is followed by somebody else, once.
pub async fn what_nobody_goes_on_with_is_found(place: Box<dyn Place>) {
    let (one, other) = (place.connect(), place.connect());
    let header = Header::new(1);
    header.begin(counts(&one)).await;
    let claim = header.succeeds(counts(&one), 0).await.expect("it was the last one");
    let end = tokio::time::Instant::now() + super::PATIENCE;
    let found = loop {
        let lost = soon("looking", counts(&other).lost()).await;
        if let Some(lost) = lost.into_iter().find(|lost| lost.claim.group_id == header.group) {
            break lost;
        }
        assert!(tokio::time::Instant::now() < end, "nobody finds it");
        // Between two looks, as a worker has it.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    assert!(!found.overdue && found.body == header.body());
    assert_eq!(joined(counts(&other), &found.claim).await, "[0]");
    assert!(!soon("more time", counts(&one).extend(&claim)).await, "somebody else goes on");
    assert!(soon("more time", counts(&other).extend(&found.claim)).await);
    soon("it is done", counts(&other).finish(&found.claim)).await;
    let lost = soon("looking", counts(&one).lost()).await;
    assert!(lost.iter().all(|lost| lost.claim.group_id != header.group), "it is done");
}

/// What was counted survives a crash.
pub async fn counting_goes_on_after_a_crash(mut place: Box<dyn Place>) {
    let backend = place.connect();
    if !backend.capabilities().durable {
        return;
    }
    let header = Header::new(2);
    header.begin(counts(&backend)).await;
    assert!(header.succeeds(counts(&backend), 0).await.is_none());
    place.kill();
    place.restart();
    let backend = place.connect();
    assert!(header.succeeds(counts(&backend), 0).await.is_none());
    let claim = header.succeeds(counts(&backend), 1).await.expect("it was the last one");
    assert_eq!(joined(counts(&backend), &claim).await, "[0, 1]");
}
