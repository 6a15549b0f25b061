//! Celery's tables, in SQLite and in PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use interop::backend_contract::Place;
use interop::certs::Certs;
use interop::python;
use interop::queues::Directory;
use interop::servers::{Redis, Store};
use salamander_tasks::Kind;
use salamander_tasks::backend::{Backend, Database, Found, ResultOptions, Update};
use salamander_tasks::broker::RedisBroker;
use salamander_value::{Dict, Exception, Value};
use salamander_wire::celery::{ResultMeta, ResultValue, Serializer, State};

use crate::beside::{self, Peers};

fn open(url: &str) -> Arc<dyn Backend> {
    Arc::new(Database::open(url, ResultOptions::default()).unwrap())
}

fn expiring(url: &str, after: Duration) -> Arc<dyn Backend> {
    let mut options = ResultOptions::default();
    options.expires = Some(after);
    Arc::new(Database::open(url, options).unwrap())
}

/// As SQLAlchemy wants it.
fn sqlite(directory: &Directory, name: &str) -> String {
    format!("db+sqlite:///{}", directory.file(name).display())
}

fn postgres(server: &Store) -> String {
    server.url().replacen("postgres://", "db+postgresql+psycopg2://", 1)
}

mod in_sqlite {
    use super::*;

    struct InFile(Directory);

    impl InFile {
        fn url(&self) -> String {
            sqlite(&self.0, "results")
        }
    }

    impl Place for InFile {
        fn connect(&self) -> Arc<dyn Backend> {
            open(&self.url())
        }

        fn expiring(&self, after: Duration) -> Arc<dyn Backend> {
            super::expiring(&self.url(), after)
        }
    }

    fn place() -> Option<InFile> {
        Some(InFile(Directory::new()))
    }

    // Nothing keeps the file that could be killed.
    interop::backend_contract!(place(), place(), chords);
}

mod in_postgresql {
    use super::*;

    struct OnServer(Store);

    impl Place for OnServer {
        fn connect(&self) -> Arc<dyn Backend> {
            open(&postgres(&self.0))
        }

        fn expiring(&self, after: Duration) -> Arc<dyn Backend> {
            super::expiring(&postgres(&self.0), after)
        }

        fn kill(&mut self) {
            self.0.kill();
        }

        fn restart(&mut self) {
            self.0.restart();
        }
    }

    fn place() -> Option<OnServer> {
        Store::postgres().map(OnServer)
    }

    interop::backend_contract!(place(), place(), chords);
}

/// Both ways, with each serializer, and a worker of Celery's.
fn beside_celery(url: &str) {
    for serializer in [Serializer::Json, Serializer::Msgpack, Serializer::Pickle, Serializer::Yaml] {
        let mut options = ResultOptions::default();
        options.serializer = serializer;
        let backend = Database::open(url, options).unwrap();
        let peers = Peers::new("memory://", url).with(serializer);
        beside::celery_stores_each_state_and_we_read_it(&peers, &backend);
        beside::we_store_each_state_and_celery_reads_it(&peers, &backend);
    }
    let Some(queues) = Redis::start(&[]) else { return };
    let broker = RedisBroker::new(&queues.url(), &Dict::new()).unwrap();
    beside::celerys_worker_stores(&Peers::new(&queues.url(), url), &broker, &*open(url));
}

#[test]
fn in_sqlite_celery_and_we_read_what_the_other_stored() {
    let directory = Directory::new();
    beside_celery(&sqlite(&directory, "results"));
}

#[test]
fn in_postgresql_celery_and_we_read_what_the_other_stored() {
    let Some(server) = Store::postgres() else { return };
    beside_celery(&postgres(&server));
}

/// Celery's backend, with the columns of `result_extended` where that is said.
fn celery(arguments: &[&str]) -> String {
    let output = python::script("celery_database.py").args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    told
}

fn columns_that_tell_more(url: &str, extended: &[&str]) {
    celery(&[&["store", url], extended].concat());
    let backend = open(url);
    beside::run(async {
        let known = async |task: &str| match backend.get(task).await.unwrap() {
            Found::Known(meta) => *meta,
            other => panic!("{other:?}"),
        };
        let done = known("done").await;
        assert_eq!(done.status, State::Success);
        let ResultValue::Value(value) = &done.result else { panic!("{done:?}") };
        assert_eq!(value.to_string(), "{'x': [1, 2.5, 'é']}");
        assert!(done.date_done.is_some());
        assert_eq!(done.other.get("name").is_some(), !extended.is_empty());
        let failed = known("failed").await;
        assert_eq!((&failed.status, failed.traceback.as_deref()), (&State::Failure, Some("Traceback...")));
        let ResultValue::Exception(exception) = &failed.result else { panic!("{failed:?}") };
        assert_eq!(&*exception.exc_type, "ZeroDivisionError");
        assert_eq!(known("begun").await.status, State::Started);
        assert!(matches!(backend.get("nobody's").await.unwrap(), Found::Pending));

        let store = async |meta: ResultMeta| {
            backend.store(Update { meta, reply_to: None, correlation_id: None }).await.unwrap();
        };
        store(ResultMeta::new("of-rust", State::Success, Value::List(vec![1.into(), "\u{e9}".into()]))).await;
        store(ResultMeta::failed("begun", State::Failure, &Exception::value_error("no"))).await;
        store(ResultMeta::new("done", State::Failure, "later")).await;
        if extended.is_empty() && url.contains("sqlite") {
            // Python with the extended columns cannot read a table without them either.
            return;
        }
        let read = |task: &str| tokio::task::block_in_place(|| celery(&["read", url, task]));
        assert_eq!(read("of-rust"), "SUCCESS [1, 'é'] None True None None\n");
        assert_eq!(read("begun"), "FAILURE ValueError('no') None True None None\n");
        assert_eq!(read("done"), "SUCCESS {'x': [1, 2.5, 'é']} None True tasks.add [1, 2]\n");
        backend.forget("of-rust").await.unwrap();
        assert_eq!(read("of-rust"), "PENDING None None False None None\n");
    });
}

#[test]
fn in_sqlite_there_may_be_columns_that_tell_more() {
    let directory = Directory::new();
    columns_that_tell_more(&sqlite(&directory, "extended"), &["extended"]);
    columns_that_tell_more(&sqlite(&directory, "plain"), &[]);
}

#[test]
fn in_postgresql_there_may_be_columns_that_tell_more() {
    let Some(server) = Store::postgres() else { return };
    columns_that_tell_more(&postgres(&server), &["extended"]);
}

#[test]
fn a_connection_to_postgresql_is_encrypted_where_that_is_said() {
    let certs = Certs::new();
    let Some(server) = Store::postgres_tls(&certs) else { return };
    // For this user the server takes nothing else.
    let guarded = server.url().replace("salamander@", "guarded@").replacen("postgres://", "db+postgresql://", 1);
    let with = |ca: &str| format!("{guarded}?sslmode=verify-full&sslrootcert={}", certs.file(ca));
    let python = with("ca").replacen("db+postgresql", "db+postgresql+psycopg2", 1);
    beside::we_store_each_state_and_celery_reads_it(&Peers::new("memory://", &python), &*open(&with("ca")));
    beside::run(async {
        let refused = async |url: String| {
            let found = open(&url);
            let found = tokio::time::timeout(Duration::from_secs(60), found.get("a")).await.expect("it says so");
            let error = found.unwrap_err();
            assert_eq!(error.kind(), Kind::Refused, "{error}");
            error.to_string()
        };
        // Who does not know the authority, who asks for another host, who does not encrypt.
        let said = refused(with("other_ca")).await;
        assert!(said.contains("certificate"), "{said}");
        let said = refused(guarded.clone()).await;
        assert!(said.contains("sslmode=verify-full"), "{said}");
    });
}
