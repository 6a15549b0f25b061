//! What every store of permits has to do.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use interop::queues::Queues;
use salamander_tasks::App;
use salamander_tasks::permits::{Permit, Permits, Taken};

use crate::stores::{LONG, Shared};

const HOUR: Duration = Duration::from_secs(3600);

fn permit(name: &str, holder: &str, most: u32, time: Duration) -> Permit {
    Permit { name: name.into(), holder: holder.into(), most, time }
}

fn of(app: &App) -> &dyn Permits {
    app.permits().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_store_keeps_to_the_contract() {
    for store in Shared::all() {
        let (one, other) = (store.app(), store.app());
        all_or_none(of(&one), of(&other), store.name).await;
        they_lapse(of(&one), of(&other), store.name).await;
        many_at_once(of(&one), of(&other), store.name).await;
    }
}

async fn all_or_none(one: &dyn Permits, other: &dyn Permits, name: &str) {
    let both = |holder: &str| vec![permit("a", holder, 2, HOUR), permit("b'\"{é", holder, 1, HOUR)];
    assert_eq!(one.take(both("x")).await.unwrap(), Taken::Granted, "{name}");
    assert_eq!(other.take(both("x")).await.unwrap(), Taken::Granted, "{name}: taking twice is taking once");
    match other.take(both("y")).await.unwrap() {
        Taken::Refused { name: what, holder, left } => {
            assert_eq!((&*what, &*holder), ("b'\"{é", "x"), "{name}");
            assert!(left <= HOUR && left > HOUR / 2, "{name}: {left:?}");
        }
        Taken::Granted => panic!("{name}: it has one already"),
    }
    let a = |holder: &str| vec![permit("a", holder, 2, HOUR)];
    assert_eq!(other.take(a("y")).await.unwrap(), Taken::Granted, "{name}: nothing was taken of what was refused");
    assert!(matches!(one.take(a("z")).await.unwrap(), Taken::Refused { .. }), "{name}");
    other.give_back(both("x")).await.unwrap();
    assert_eq!(one.take(both("z")).await.unwrap(), Taken::Granted, "{name}");
    // Whoever goes on counts, although others have taken its place.
    one.renew(a("x")).await.unwrap();
    other.give_back(a("y")).await.unwrap();
    assert!(matches!(one.take(a("w")).await.unwrap(), Taken::Refused { .. }), "{name}");
    one.renew(Vec::new()).await.unwrap();
    one.give_back(Vec::new()).await.unwrap();
}

async fn they_lapse(one: &dyn Permits, other: &dyn Permits, name: &str) {
    let taken = one.take(vec![permit("short", "x", 1, Duration::from_millis(300))]).await.unwrap();
    assert_eq!(taken, Taken::Granted, "{name}");
    let start = Instant::now();
    loop {
        match other.take(vec![permit("short", "y", 1, HOUR)]).await.unwrap() {
            Taken::Granted => break,
            Taken::Refused { left, .. } => tokio::time::sleep(left).await,
        }
        assert!(start.elapsed() < LONG, "{name}: it does not lapse");
    }
}

async fn many_at_once(one: &dyn Permits, other: &dyn Permits, name: &str) {
    let taking = (0..60).map(|number| {
        let store = if number % 2 == 0 { one } else { other };
        store.take(vec![permit("many", &number.to_string(), 7, HOUR)])
    });
    let taken = join_all(taking).await;
    let granted = taken.into_iter().filter(|taken| *taken.as_ref().unwrap() == Taken::Granted).count();
    assert_eq!(granted, 7, "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_of_our_own_remember_them_when_they_are_killed() {
    let mut queues = Queues::start();
    let app = App::builder().broker_url(queues.url()).build().unwrap();
    assert_eq!(of(&app).take(vec![permit("a", "x", 1, HOUR)]).await.unwrap(), Taken::Granted);
    queues.kill();
    queues.restart();
    assert!(matches!(of(&app).take(vec![permit("a", "y", 1, HOUR)]).await.unwrap(), Taken::Refused { .. }));
    of(&app).give_back(vec![permit("a", "x", 1, HOUR)]).await.unwrap();
    queues.kill();
    queues.restart();
    assert_eq!(of(&app).take(vec![permit("a", "y", 1, HOUR)]).await.unwrap(), Taken::Granted);
}
