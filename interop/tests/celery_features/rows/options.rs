//! The options of a call.

use std::time::{SystemTime, UNIX_EPOCH};

use salamander_tasks::Signature;
use salamander_tasks::call::{Moment, RetryPolicy};
use salamander_value::{DateTime, Value};
use salamander_wire::celery::State;

use crate::scene::{Scene, names, of, with};
use crate::table::{Kind, Table};

pub(crate) fn rows(table: &mut Table) {
    table.section("Serializers and compressions");
    for serializer in ["json", "msgpack", "yaml", "pickle"] {
        let name = format!("serializer {serializer}");
        table.both(&name, move |s| encoded(s, serializer, None));
        for compression in ["zlib", "gzip", "bzip2", "lzma", "zstd"] {
            let name = format!("{name} with compression {compression}");
            table.both(&name, move |s| encoded(s, serializer, Some(compression)));
        }
    }
    table.section("Time");
    table.both("countdown", |s| not_before(s, |_| of("f.now", ()).countdown(0.5)));
    table.both("eta in UTC", |s| not_before(s, |at| of("f.now", ()).eta(&*moment(at, 0))));
    table.both("eta in another zone", |s| not_before(s, |at| of("f.now", ()).eta(&*moment(at, -450))));
    table.both("eta without a zone", |s| {
        not_before(s, |at| of("f.now", ()).eta(moment(at, 0).trim_end_matches("+00:00")))
    });
    table.both("eta in the past", |s| async move {
        let past = of("f.add", (1, 1)).eta(Moment::from("2001-01-01T00:00:00+00:00"));
        assert_eq!(s.run(past).await, Value::Int(2));
    });
    table.ours("tasks that wait for their time hold up no others");
    table.both("expires in seconds, in time", |s| async move {
        assert_eq!(s.run(of("f.add", (1, 1)).expires(600)).await, Value::Int(2));
    });
    table.both("expires at a time, in time", |s| async move {
        let time: DateTime = "2140-01-01T00:00:00+00:00".parse().unwrap();
        assert_eq!(s.run(of("f.add", (1, 1)).expires(time)).await, Value::Int(2));
    });
    table.both("expires in the past", |s| async move {
        // The property, by which a broker would throw it away, is left out.
        expired(&s, of("f.add", (1, 1)).header("expires", "2001-01-01T00:00:00+00:00")).await;
    });
    table.both("expires before its ETA", |s| async move {
        let at = moment(now() + 0.2, 0);
        expired(&s, of("f.add", (1, 1)).countdown(0.6).header("expires", at)).await;
    });
    table.ours("a retry that has expired");
    table.section("Limits");
    table.both("time_limit of a call", |s| async move {
        let (failed, meta) = s.fails(of("f.sleep", (600,)).time_limit(1)).await;
        assert_eq!((failed.class_name(), failed.args()), ("TimeLimitExceeded", &[Value::Int(1)][..]));
        assert_eq!(meta.status, State::Failure);
    });
    table.both("soft_time_limit of a call", |s| async move {
        let (failed, _) = s.fails(of("f.sleep", (600,)).soft_time_limit(1)).await;
        assert_eq!(failed.class_name(), "SoftTimeLimitExceeded");
    });
    table.both("a task that deals with its soft time limit", |s| async move {
        assert_eq!(s.run(of("f.patient", ()).soft_time_limit(1)).await, Value::from("in time"));
    });
    table.both("time_limit of a task", |s| async move {
        assert_eq!(s.fails(of("f.limited_time", ())).await.0.class_name(), "TimeLimitExceeded");
    });
    table.both("soft_time_limit of a task", |s| async move {
        assert_eq!(s.fails(of("f.soft_limited", ())).await.0.class_name(), "SoftTimeLimitExceeded");
    });
    table.both("a time limit that is not reached", |s| async move {
        let sent = of("f.sleep", (0.01,)).time_limit(600).soft_time_limit(500);
        assert_eq!(s.run(sent).await, Value::Float(0.01));
    });
    table.both("rate_limit of a task", |s| async move {
        let mut sent = Vec::new();
        let begun = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        for _ in 0..4 {
            sent.push(s.send(of("f.rated", ())).await);
        }
        let mut times = Vec::new();
        for result in sent {
            times.push(crate::scene::result(result).await);
        }
        // Of ten in a second, the fourth may begin three tenths after the first; how late each of them begins is nobody's fault.
        let last = times.iter().map(seconds).fold(f64::MIN, f64::max);
        assert!(last - begun >= 0.25, "{times:?} after {begun}");
    });
    table.section("What is stored, and when it is acknowledged");
    table.both("ignore_result of a call", |s| async move {
        let sent = s.send(of("f.add", (1, 1)).ignore_result(true)).await;
        assert_eq!(s.run(of("f.add", (1, 2))).await, Value::Int(3));
        assert_eq!(sent.wait().await.unwrap().status, State::Ignored);
        assert_eq!(s.app().result(sent.id()).state().await.unwrap(), State::Pending);
    });
    table.both("ignore_result of a task", |s| async move {
        let sent = s.send(of("f.ignored", ())).await;
        assert_eq!(s.run(of("f.add", (1, 2))).await, Value::Int(3));
        assert_eq!(sent.state().await.unwrap(), State::Pending);
    });
    table.both("ignore_result of a call against that of its task", |s| async move {
        assert_eq!(s.run(of("f.ignored", ()).ignore_result(false)).await, Value::from("done"));
    });
    table.both("store_errors_even_if_ignored", |s| async move {
        let (failed, _) = s.fails(of("f.ignored_but_errors", ("ValueError",))).await;
        assert_eq!(failed.class_name(), "ValueError");
        let fine = s.send(of("f.ignored_but_errors", ("",))).await;
        assert_eq!(s.run(of("f.add", (1, 2))).await, Value::Int(3));
        assert_eq!(fine.state().await.unwrap(), State::Pending);
    });
    table.both("track_started of a task", |s| async move {
        let label = uuid::Uuid::new_v4().to_string();
        let states = s.steps(of("f.tracked_held", (format!("{label} 1"),)), &label).await;
        assert_eq!(names(&states), ["STARTED", "SUCCESS"]);
    });
    table.both("acks_late", |s| async move {
        assert_eq!(s.run(of("f.late", ())).await, Value::from("done"));
    });
    table.both("retry policy of publishing", |s| async move {
        let policy = RetryPolicy { max_retries: Some(2), interval_start: 0.0, interval_step: 0.1, interval_max: 0.1 };
        assert_eq!(s.run(of("f.add", (1, 1)).retry(true).retry_policy(policy)).await, Value::Int(2));
    });
    table
        .celery("revoke before it runs", |s| async move {
            let sent = s.send(of("f.add", (1, 1)).countdown(2)).await;
            sent.revoke(false).await.unwrap();
            let meta = sent.wait_within(crate::scene::LONG).await.unwrap();
            assert_eq!(meta.status, State::Revoked);
            assert_eq!(meta.exception().unwrap().class_name(), "TaskRevokedError");
        })
        .without(Kind::Embedded, super::PYRO_FANOUT);
}

async fn encoded(s: Scene, serializer: &'static str, compression: Option<&'static str>) {
    let text = Value::from("text é ".repeat(500));
    let sent = with("f.same", [text.clone()]).serializer(serializer);
    let sent = compression.into_iter().fold(sent, Signature::compression);
    assert_eq!(s.run(sent).await, text);
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// A moment in the form of ISO 8601, as a clock shows it that is so many minutes from Greenwich.
fn moment(at: f64, minutes: i32) -> String {
    let civil = (at * 1e6) as i64 + i64::from(minutes) * 60_000_000;
    let time = DateTime::from_civil_micros(civil).unwrap();
    let (sign, off) = if minutes < 0 { ('-', -minutes) } else { ('+', minutes) };
    format!("{time}{sign}{:02}:{:02}", off / 60, off % 60)
}

/// A task that is sent for half a second later begins no earlier.
async fn not_before(s: Scene, call: impl FnOnce(f64) -> Signature) {
    let at = now() + 0.5;
    let sent = call(at);
    let Value::Float(started) = s.run(sent).await else { panic!("no time") };
    // Clocks of one machine, but of two programs.
    assert!(started >= at - 0.005, "{started} {at}");
}

async fn expired(s: &Scene, signature: Signature) {
    let (failed, meta) = s.fails(signature).await;
    assert_eq!((failed.class_name(), failed.message()), ("TaskRevokedError", "expired".to_owned()));
    assert_eq!(meta.status, State::Revoked);
}

fn seconds(time: &Value) -> f64 {
    if let Value::Float(time) = time { *time } else { panic!("{time}") }
}
