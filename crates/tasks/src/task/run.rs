//! How a task's function is called with the arguments of its message.

use std::sync::Arc;

use salamander_codec::Codec;
use salamander_object::{CallContext, Format, Member, Object, Outcome, Request, Started};
use salamander_value::Uuid;

use super::TaskContext;
use crate::call::shared_settings;

impl TaskContext {
    /// Calls the function of a task, which is a registered object, with the arguments of the request. Its result is encoded by `codec`.
    ///
    /// A plain function runs here and now; one that is async or blocks comes back as a future, and is run by whoever polls that.
    /// [`TaskContext::verdict`] says what its outcome means.
    pub fn run(&self, object: &Arc<dyn Object>, codec: Codec) -> Started {
        let settings = shared_settings();
        let id = Uuid::try_parse(self.id()).unwrap_or_default();
        let context = CallContext::new(None, id, Vec::new()).with_extension(self.clone());
        let request = Request::of_context(context.clone(), Format { codec, settings: settings.clone() });
        // A plain function runs within, and what it sends is to know where it comes from.
        let started = context.scope_sync(|| match self.request().message.body.arguments(settings) {
            Ok(mut args) => Started::of(object, Member::Method(0), &mut args, &request),
            Err(error) => Err(error.exception()),
        });
        started.unwrap_or_else(|exception| Started::Done(Outcome::Exception(exception)))
    }
}
