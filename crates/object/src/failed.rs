//! What happens to the exceptions that methods raise, on the side of the object.

use std::fmt;
use std::sync::Arc;

use salamander_value::Exception;

use crate::{CallContext, Member, Members, Request};

type Tell = Arc<dyn Fn(&FailedCall<'_>) + Send + Sync>;

/// Is told of every call that raised an exception.
#[derive(Clone, Default)]
pub struct ErrorHook(Option<Tell>);

/// A call that raised an exception.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FailedCall<'a> {
    /// What is known of the call.
    pub context: &'a CallContext,
    /// The Rust type of the object.
    pub class: &'static str,
    /// The method or property.
    pub member: &'static str,
    /// What it raised, with its traceback.
    pub exception: &'a Exception,
}

impl ErrorHook {
    /// A hook that calls this.
    pub fn new(tell: impl Fn(&FailedCall<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }
}

/// Gives an exception its remote traceback, and tells those who want to know of it.
pub fn failed(request: &Request, members: &'static Members, member: Member, exception: Exception) -> Exception {
    let exception = traced(members, member, exception);
    let name = members.name(member);
    let shown = || Members::shown(members.class, name);
    if members.is_callback(member) {
        tracing::error!("the callback {} failed: {}", shown(), exception.traceback().concat());
    } else {
        tracing::debug!("{} failed: {exception}", shown());
    }
    if let Some(tell) = &request.on_error.0 {
        let failed =
            FailedCall { context: request.context(), class: members.class, member: name, exception: &exception };
        if let Err(panicked) = crate::caught(|| tell(&failed)) {
            tracing::warn!("the hook for errors failed: {panicked}");
        }
    }
    exception
}

/// Gives an exception the remote traceback that Pyro's clients show, unless it has one from further away.
fn traced(members: &'static Members, member: Member, mut exception: Exception) -> Exception {
    if exception.traceback().is_empty() {
        let mut lines = vec!["Traceback (most recent call last):\n".to_owned()];
        if let Member::Method(at) = member {
            let method = &members.methods[at];
            lines.push(format!(
                "  File \"{}\", line {}, in {}\n",
                method.file,
                method.line,
                Members::shown(members.class, method.name)
            ));
        }
        lines.push(format!("{exception}\n"));
        exception.set_traceback(lines);
    }
    exception
}

impl fmt::Debug for ErrorHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "ErrorHook" } else { "None" })
    }
}
