//! [`Routes`]: which tasks go where.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use salamander_codec::Args;
use salamander_value::Str;

use super::pattern::Pattern;
use crate::call::SendOptions;
use crate::error::Result;

/// A table of tasks and their routes, or a function: one of the routers of Celery's `task_routes`.
#[derive(Clone)]
pub struct Routes(Kind);

#[derive(Clone)]
enum Kind {
    Table { names: HashMap<Str, SendOptions>, patterns: Vec<(Pattern, SendOptions)> },
    Function(Arc<Function>),
}

type Function = dyn Fn(&Query<'_>) -> Option<SendOptions> + Send + Sync;

/// A task whose destination is asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Query<'q> {
    /// Its name.
    pub task: &'q str,
    /// Its arguments.
    pub arguments: &'q Args,
    /// What is said of the call.
    pub options: &'q SendOptions,
}

impl Default for Routes {
    fn default() -> Self {
        Self(Kind::Table { names: HashMap::new(), patterns: Vec::new() })
    }
}

impl Routes {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// A function that knows the way of some tasks.
    pub fn function(route: impl Fn(&Query<'_>) -> Option<SendOptions> + Send + Sync + 'static) -> Self {
        Self(Kind::Function(Arc::new(route)))
    }

    /// A route of a task by its name, or of several: a name with a `*` in it is a pattern, as of file names.
    ///
    /// # Errors
    /// A pattern that is none.
    pub fn add(self, name: &str, route: SendOptions) -> Result<Self> {
        if name.contains('*') {
            return Ok(self.pattern(Pattern::glob(name)?, route));
        }
        let mut table = self;
        if let Kind::Table { names, .. } = &mut table.0 {
            names.insert(name.into(), route);
        }
        Ok(table)
    }

    /// A route of all tasks whose names begin as this regular expression says.
    ///
    /// # Errors
    /// A pattern that is none.
    pub fn add_regex(self, regex: &str, route: SendOptions) -> Result<Self> {
        Ok(self.pattern(Pattern::regex(regex)?, route))
    }

    fn pattern(mut self, pattern: Pattern, route: SendOptions) -> Self {
        if let Kind::Table { patterns, .. } = &mut self.0 {
            patterns.push((pattern, route));
        }
        self
    }

    /// What is said of a task; names come before patterns, and those in their order.
    pub(super) fn find(&self, query: &Query<'_>) -> Option<SendOptions> {
        match &self.0 {
            Kind::Function(route) => route(query),
            Kind::Table { names, patterns } => names.get(query.task).cloned().or_else(|| {
                let (_, route) = patterns.iter().find(|(pattern, _)| pattern.matches(query.task))?;
                Some(route.clone())
            }),
        }
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Table { names, patterns } => {
                f.debug_struct("Routes").field("names", names).field("patterns", patterns).finish()
            }
            Kind::Function(_) => f.write_str("Routes(function)"),
        }
    }
}
