//! [`Revoked`]: the tasks that are not to be run any more.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use salamander_value::Str;

/// How many are remembered, and how long, as in Celery.
const MOST: usize = 50_000;
const EXPIRE: Duration = Duration::from_secs(10_800);

/// Ids of revoked tasks, the latest 50,000 of them, for three hours; kept in a file where one is named.
#[derive(Debug, Default)]
pub(crate) struct Revoked {
    ids: HashMap<Str, u64>,
    order: VecDeque<(Str, u64)>,
    file: Option<PathBuf>,
}

impl Revoked {
    /// Those that this file has, and which is written again when the worker ends.
    ///
    /// # Errors
    /// A file that is there and cannot be read. What is no line of it is left out.
    pub(crate) fn open(file: &Path) -> io::Result<Self> {
        let mut revoked = Self { file: Some(file.to_owned()), ..Self::default() };
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let told = text.lines().filter_map(|line| {
            let (time, id) = line.split_once(' ')?;
            Some((time.parse::<u64>().ok()?, id)).filter(|(_, id)| !id.is_empty())
        });
        let mut told: Vec<_> = told.collect();
        // They go in this order, and the clock may have been set back while they came.
        told.sort_by_key(|(time, _)| *time);
        told.into_iter().for_each(|(time, id)| revoked.insert(id, time));
        revoked.expire(seconds(SystemTime::now()));
        Ok(revoked)
    }

    /// Remembers a task.
    pub(crate) fn add(&mut self, id: &str) {
        let now = seconds(SystemTime::now());
        self.insert(id, now);
        self.expire(now);
    }

    /// Whether a task has been revoked.
    pub(crate) fn has(&self, id: &str) -> bool {
        // Nearly always there is none.
        !self.ids.is_empty() && self.ids.contains_key(id)
    }

    /// The ids, the oldest first.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &Str> {
        self.order.iter().filter(|(id, time)| self.ids.get(id) == Some(time)).map(|(id, _)| id)
    }

    /// Writes the file anew, if there is one.
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn save(&mut self) -> io::Result<()> {
        self.expire(seconds(SystemTime::now()));
        let Some(file) = &self.file else { return Ok(()) };
        let mut name = file.clone().into_os_string();
        name.push(".new");
        let new = PathBuf::from(name);
        let mut out = io::BufWriter::new(fs::File::create(&new)?);
        for (id, time) in &self.order {
            if self.ids.get(id) == Some(time) {
                writeln!(out, "{time} {id}")?;
            }
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&new, file)
    }

    fn insert(&mut self, id: &str, time: u64) {
        // A line has one.
        if id.contains(['\n', '\r']) {
            return;
        }
        let id = Str::from(id);
        if self.ids.insert(id.clone(), time) != Some(time) {
            self.order.push_back((id, time));
        }
    }

    fn expire(&mut self, now: u64) {
        while let Some((id, time)) = self.order.front()
            && (self.order.len() > MOST || time.saturating_add(EXPIRE.as_secs()) < now)
        {
            if self.ids.get(id) == Some(time) {
                self.ids.remove(id);
            }
            self.order.pop_front();
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered() {
        let mut revoked = Revoked::default();
        for number in 0..MOST + 10 {
            revoked.add(&number.to_string());
        }
        assert!(!revoked.has("9") && revoked.has("10"));
        assert_eq!(revoked.ids().count(), MOST);
        revoked.expire(seconds(SystemTime::now()) + 20_000);
        assert!(!revoked.has("11") && revoked.ids.is_empty());
    }

    #[test]
    fn they_are_kept_in_a_file() {
        let file = std::env::temp_dir().join(format!("salamander-revoked-{}", std::process::id()));
        let _ = fs::remove_file(&file);
        let mut revoked = Revoked::open(&file).unwrap();
        revoked.add("a");
        revoked.add("b\nc");
        revoked.save().unwrap();
        let mut text = fs::read_to_string(&file).unwrap();
        assert!(text.ends_with(" a\n"));
        text.push_str("nonsense\n1 too-old\n");
        fs::write(&file, text).unwrap();
        let again = Revoked::open(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert!(again.has("a") && !again.has("too-old") && !again.has("b"));
    }
}
