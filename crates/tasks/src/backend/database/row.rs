//! [`Row`]: a state of a task as Celery's table has it.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use salamander_codec::Settings;
use salamander_value::{Dict, Str, Value};
use salamander_wire::celery::{ResultMeta, ResultValue, Serializer};

use crate::{Error, Kind, Result};

/// One row of `celery_taskmeta`. The columns from `name` on are there where results tell more (`result_extended`).
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    pub(super) task_id: String,
    pub(super) status: String,
    pub(super) result: Option<Vec<u8>>,
    /// Microseconds since 1970, in UTC.
    pub(super) date_done: Option<i64>,
    pub(super) traceback: Option<String>,
    pub(super) children: Option<Vec<u8>>,
    pub(super) name: Option<String>,
    pub(super) args: Option<Vec<u8>>,
    pub(super) kwargs: Option<Vec<u8>>,
    pub(super) worker: Option<String>,
    pub(super) retries: Option<i32>,
    pub(super) queue: Option<String>,
    pub(super) stamps: Option<Vec<u8>>,
}

/// The columns in the order in which drivers name them; those from the seventh on may be missing.
const COLUMNS: [&str; 13] = [
    "task_id",
    "status",
    "result",
    "date_done",
    "traceback",
    "children",
    "name",
    "args",
    "kwargs",
    "worker",
    "retries",
    "queue",
    "stamps",
];
/// How many there always are.
const BASE: usize = 6;

/// What stands in a column. Times are microseconds since 1970.
pub(super) enum Cell {
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Number(Option<i32>),
    Time(Option<i64>),
}

/// A row as a driver gives it.
pub(super) trait Columns {
    type Error;

    fn text(&self, at: usize) -> Result<Option<String>, Self::Error>;
    fn bytes(&self, at: usize) -> Result<Option<Vec<u8>>, Self::Error>;
    fn number(&self, at: usize) -> Result<Option<i32>, Self::Error>;
    fn time(&self, at: usize) -> Result<Option<i64>, Self::Error>;
}

/// What is asked of a table, whatever its columns.
#[derive(Debug)]
pub(super) struct Statements {
    /// How many columns there are to be told and given.
    pub(super) columns: usize,
    pub(super) store: String,
    pub(super) find: String,
}

impl Statements {
    /// For a table that has these columns, in a dialect: what gives an id where the table does not, and how parameters are named.
    pub(super) fn of(there: &[String], id: Option<&str>, parameter: impl Fn(usize) -> String) -> Self {
        // A table that was made without the columns that tell more.
        let all = COLUMNS.iter().all(|column| there.iter().any(|name| name == column));
        let columns = &COLUMNS[..if all { COLUMNS.len() } else { BASE }];
        let names = id.map(|_| "id").into_iter().chain(columns.iter().copied()).collect::<Vec<_>>().join(", ");
        let values = id.map(str::to_owned).into_iter().chain((1..=columns.len()).map(&parameter));
        let values = values.collect::<Vec<_>>().join(", ");
        let set: Vec<String> = columns[1..].iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let set = set.join(", ");
        Self {
            columns: columns.len(),
            store: format!(
                "INSERT INTO celery_taskmeta ({names}) VALUES ({values}) ON CONFLICT (task_id) DO UPDATE SET {set} WHERE {REPLACES}"
            ),
            find: format!("SELECT {} FROM celery_taskmeta WHERE task_id = {}", columns.join(", "), parameter(1)),
        }
    }
}

/// When a state takes the place of another: none does of a success, and only a result does of a result.
const REPLACES: &str = "celery_taskmeta.status <> 'SUCCESS'
    AND (celery_taskmeta.status NOT IN ('FAILURE', 'REVOKED') OR excluded.status IN ('SUCCESS', 'FAILURE', 'REVOKED'))";

impl Row {
    /// Out of the columns of a driver's row.
    pub(super) fn read<C: Columns>(from: &C, columns: usize) -> Result<Self, C::Error> {
        let mut row = Self {
            task_id: from.text(0)?.unwrap_or_default(),
            status: from.text(1)?.unwrap_or_default(),
            result: from.bytes(2)?,
            date_done: from.time(3)?,
            traceback: from.text(4)?,
            children: from.bytes(5)?,
            ..Self::default()
        };
        if columns > BASE {
            row.name = from.text(6)?;
            row.args = from.bytes(7)?;
            row.kwargs = from.bytes(8)?;
            row.worker = from.text(9)?;
            row.retries = from.number(10)?;
            row.queue = from.text(11)?;
            row.stamps = from.bytes(12)?;
        }
        Ok(row)
    }

    /// What stands in the columns.
    pub(super) fn cells(self) -> [Cell; 13] {
        [
            Cell::Text(Some(self.task_id)),
            Cell::Text(Some(self.status)),
            Cell::Bytes(self.result),
            Cell::Time(self.date_done),
            Cell::Text(self.traceback),
            Cell::Bytes(self.children),
            Cell::Text(self.name),
            Cell::Bytes(self.args),
            Cell::Bytes(self.kwargs),
            Cell::Text(self.worker),
            Cell::Number(self.retries),
            Cell::Text(self.queue),
            Cell::Bytes(self.stamps),
        ]
    }

    /// A state as it is stored.
    pub(super) fn of(meta: &ResultMeta, serializer: Serializer, settings: &Settings) -> Result<Self> {
        let cannot = |error: salamander_wire::WireError| {
            Error::with_source(
                Kind::Misuse,
                format!("the result of {} cannot be encoded: {error}", meta.task_id),
                error,
            )
        };
        let encode = |value: &Value| serializer.encode(value, settings).map(|bytes| bytes.to_vec()).map_err(cannot);
        let result = match &meta.result {
            ResultValue::Value(value) => encode(value)?,
            ResultValue::Encoded(bytes) => bytes.to_vec(),
            ResultValue::Exception(exception) => encode(&exception.to_value())?,
        };
        let children = match &meta.children[..] {
            [] => None,
            children => Some(encode(&Value::List(children.iter().map(|child| child.to_value()).collect()))?),
        };
        let other = |name: &str| meta.other.get(name).filter(|value| !value.is_none());
        let text = |name: &str| other(name).and_then(Value::as_str).map(str::to_owned);
        let encoded = |name: &str| other(name).map(encode).transpose();
        let date_done = match &meta.date_done {
            Some(date) => micros(date).or_else(|| Some(now())),
            None => meta.status.is_ready().then(now),
        };
        Ok(Self {
            task_id: meta.task_id.to_string(),
            status: meta.status.to_string(),
            result: Some(result),
            date_done,
            traceback: meta.traceback.as_deref().map(str::to_owned),
            children,
            name: text("name"),
            args: encoded("args")?,
            kwargs: encoded("kwargs")?,
            worker: text("worker"),
            retries: other("retries").and_then(Value::as_int).and_then(|count| i32::try_from(count).ok()),
            queue: text("queue"),
            stamps: stamps(meta).map(|stamps| encode(&stamps)).transpose()?,
        })
    }

    /// What is stored, as everybody else knows it.
    pub(super) fn meta(self, serializer: Serializer, settings: &Settings) -> Result<ResultMeta> {
        let decode = |bytes: Vec<u8>| decode(bytes.into(), serializer, settings);
        let mut meta = Dict::new();
        meta.insert("task_id", self.task_id);
        meta.insert("status", self.status);
        meta.insert("result", self.result.map(decode).transpose()?);
        meta.insert("traceback", self.traceback);
        meta.insert("date_done", self.date_done.map(iso));
        meta.insert("children", self.children.map(decode).transpose()?);
        for (name, text) in [("name", self.name), ("worker", self.worker), ("queue", self.queue)] {
            if let Some(text) = text {
                meta.insert(name, text);
            }
        }
        for (name, bytes) in [("args", self.args), ("kwargs", self.kwargs)] {
            if let Some(bytes) = bytes {
                meta.insert(name, decode(bytes)?);
            }
        }
        if let Some(retries) = self.retries {
            meta.insert("retries", i64::from(retries));
        }
        if let Some(Value::Dict(stamps)) = self.stamps.map(decode).transpose()? {
            if let Some(headers) = stamps.get("stamped_headers") {
                meta.insert("stamped_headers", headers.clone());
            }
            for (name, value) in stamps.get("stamps").and_then(Value::as_dict).into_iter().flat_map(Dict::iter) {
                if let Some(name) = name.as_str() {
                    meta.insert(name, value.clone());
                }
            }
        }
        ResultMeta::from_value(Value::from(meta)).map_err(|error| {
            Error::with_source(Kind::Message, format!("what is stored is no result of a task: {error}"), error)
        })
    }
}

/// What the serializer of the backend wrote, or the pickles that Celery wrote before 5.7 whatever the serializer was.
pub(super) fn decode(bytes: Bytes, serializer: Serializer, settings: &Settings) -> Result<Value> {
    let decoded = serializer.decode(&bytes, settings);
    let decoded = match decoded {
        Err(_) if bytes.first() == Some(&0x80) => Serializer::Pickle.decode(&bytes, settings),
        decoded => decoded,
    };
    decoded.map_err(|error| {
        Error::with_source(Kind::Message, format!("what is stored is no {serializer}: {error}"), error)
    })
}

/// Stamps as Celery has them in their column.
fn stamps(meta: &ResultMeta) -> Option<Value> {
    let headers = meta.other.get("stamped_headers")?.as_slice()?;
    let values = headers.iter().filter_map(Value::as_str);
    let values: Dict = values.filter_map(|name| Some((Str::from(name), meta.other.get(name)?.clone()))).collect();
    let all = [("stamped_headers", Value::List(headers.to_vec())), ("stamps", Value::from(values))];
    Some(Value::from(all.into_iter().collect::<Dict>()))
}

/// Microseconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

const DAY: i64 = 86_400_000_000;

/// A time as SQLAlchemy writes it into a text column: `2026-01-31 12:00:00.000000`.
pub(super) fn civil(micros: i64) -> String {
    let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (year, month, day) = date(days);
    let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}")
}

/// The same as other backends have it: `2026-01-31T12:00:00.000000+00:00`.
fn iso(micros: i64) -> String {
    format!("{}+00:00", civil(micros).replace(' ', "T"))
}

/// A time in either form, with an offset or in UTC.
pub(super) fn micros(text: &str) -> Option<i64> {
    let (text, zone) = match text.get(19..)?.find(['+', '-', 'Z']) {
        Some(at) => text.split_at(19 + at),
        None => (text, ""),
    };
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
    let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let fraction = text.get(19..).and_then(|rest| rest.strip_prefix('.')).unwrap_or("0");
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let offset = match zone.as_bytes() {
        [] | [b'Z'] => 0,
        [sign, ..] => {
            let part = |from: usize, to: usize| zone.get(from..to).and_then(|part| part.parse::<i64>().ok());
            let offset = part(1, 3)? * 3600 + part(4, 6)? * 60;
            if *sign == b'-' { -offset } else { offset }
        }
    };
    Some(days * DAY + (seconds - offset) * 1_000_000 + fraction.parse::<i64>().ok()?)
}

/// Days since 1970 of a date; a year begins in March here, so that the day of a leap year is its last one.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// The other way round.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use salamander_wire::celery::{State, settings};

    use super::*;

    #[test]
    fn times_are_what_sqlalchemy_writes() {
        for (text, time) in [
            ("1970-01-01 00:00:00.000000", 0),
            ("2000-02-29 23:59:59.000001", 951_868_799_000_001),
            ("2026-11-21 16:50:34.539782", 1_795_279_834_539_782),
            ("1969-12-31 23:59:59.999999", -1),
        ] {
            assert_eq!((civil(time), micros(text)), (text.to_owned(), Some(time)));
        }
        assert_eq!(micros("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(micros("1970-01-01T00:00:00.5Z"), Some(500_000));
        for wrong in ["", "1970-13-01 00:00:00", "yesterday at noon, or so", "1970-01-01 00:00:00+x"] {
            assert_eq!(micros(wrong), None);
        }
    }

    #[test]
    fn a_row_is_what_it_was_made_of() {
        let mut meta = ResultMeta::new("a", State::Success, vec![1, 2]);
        meta.date_done = Some("2026-11-21T16:50:34.539782+00:00".into());
        meta.other.insert("name", "tasks.add");
        meta.other.insert("args", vec![1, 2]);
        meta.other.insert("retries", 1);
        meta.other.insert("stamped_headers", vec!["s"]);
        meta.other.insert("s", vec![1]);
        let row = Row::of(&meta, Serializer::Json, &settings()).unwrap();
        assert_eq!(row.stamps.as_deref(), Some(&br#"{"stamped_headers": ["s"], "stamps": {"s": [1]}}"#[..]));
        assert_eq!(row.meta(Serializer::Json, &settings()).unwrap(), meta);
    }

    #[test]
    fn older_rows_are_pickles() {
        // pickle.dumps([1, "x"], 4)
        let pickled = b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01\x8c\x01x\x94e.".to_vec();
        let row = Row { task_id: "a".into(), status: "SUCCESS".into(), result: Some(pickled), ..Row::default() };
        let meta = row.meta(Serializer::Json, &settings()).unwrap();
        assert_eq!(meta.result, ResultValue::Value(Value::List(vec![1.into(), "x".into()])));
    }
}
