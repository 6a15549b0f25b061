//! How a task's function is called with the arguments of its message.

use std::sync::Arc;

use salamander_codec::{Args, Codec};
use salamander_object::{CallContext, Format, Member, Object, Outcome, Request, Started};
use salamander_value::{Exception, Reader, Uuid, Value, ValueReader};

use super::TaskContext;
use crate::call::shared_settings;

impl TaskContext {
    /// Calls the function of a task, which is a registered object, with the arguments of the request. Its result is encoded by `codec`.
    ///
    /// A plain function runs here and now; one that is async or blocks comes back as a future, and is run by whoever polls that.
    /// [`TaskContext::verdict`] says what its outcome means.
    pub fn run(&self, object: &Arc<dyn Object>, codec: Codec) -> Started {
        match self.request().message.body.arguments(shared_settings()) {
            Ok(mut arguments) => self.start(object, codec, &mut arguments),
            Err(error) => raised(error.exception()),
        }
    }

    /// The same with other arguments: of a function that is called within this task.
    pub(crate) fn call(&self, object: &Arc<dyn Object>, codec: Codec, arguments: Args) -> Started {
        let Args { positional, keywords } = arguments;
        let arguments = Value::Tuple(vec![Value::List(positional), keywords.into()]);
        let mut reader = ValueReader::new(&arguments);
        // It stands before the positional ones then.
        match reader.next() {
            Ok(_) => self.start(object, codec, &mut reader),
            Err(error) => raised(error.exception()),
        }
    }

    fn start(&self, object: &Arc<dyn Object>, codec: Codec, arguments: &mut dyn Reader<'_>) -> Started {
        let id = Uuid::try_parse(self.id()).unwrap_or_default();
        let context = CallContext::new(None, id, Vec::new()).with_extension(self.clone());
        let request = Request::of_context(context.clone(), Format { codec, settings: shared_settings().clone() });
        // A plain function runs within, and what it sends is to know where it comes from.
        let started = context.scope_sync(|| Started::of(object, Member::Method(0), arguments, &request));
        started.unwrap_or_else(raised)
    }
}

fn raised(exception: Exception) -> Started {
    Started::Done(Outcome::Exception(exception))
}
