//! Tasks that others take the place of, and those that add to their chord.

use salamander_value::Exception;
use salamander_wire::celery::Embed;

use super::{Ignore, TaskContext};
use crate::App;
use crate::call::{codec_settings, new_id};
use crate::canvas::{Canvas, CanvasResult, Freezing, Host, Options, carry_out, chords, planned};
use crate::error::{Error, Kind, Result};

impl TaskContext {
    /// What the task returns to have another canvas run in its place: `Err(context.replace(canvas))`.
    ///
    /// The canvas takes over the task's id, so that whoever waits for the task gets what the canvas gives; its callbacks and errbacks, its
    /// place in a chord, and the rest of its chain. A group gives the list of its results.
    ///
    /// ```
    /// # use salamander_tasks::{Signature, TaskContext, canvas::group};
    /// # use salamander_value::{Exception, Value};
    /// # fn add(x: i64, y: i64) -> Signature { Signature::new("tasks.add", (x, y)) }
    /// async fn sums(context: &TaskContext, numbers: Vec<i64>) -> Result<Vec<i64>, Exception> {
    ///     Err(context.replace(group(numbers.into_iter().map(|x| add(x, x)))))
    /// }
    /// ```
    ///
    /// It is sent when the task has ended so; if it cannot be sent, the task fails with that. What is wrong with the canvas comes back as
    /// the exception, as `ImproperlyConfigured` for one that is a part of a chord already.
    ///
    /// # Wire
    /// Celery's `Task.replace`, but for one thing: results that are messages (`rpc://`) go on to whoever waits for the task.
    pub fn replace(&self, canvas: impl Into<Canvas>) -> Exception {
        match self.replacement(canvas) {
            Ok(canvas) => {
                self.set_replacement(canvas);
                Ignore.into()
            }
            Err(error) => match error.exception() {
                Some(exception) => exception.clone(),
                None => Exception::runtime_error(error.to_string()),
            },
        }
    }

    /// The canvas that [`TaskContext::replace`] has sent, to look at or to change: where Celery has `Task.on_replace`, a program stamps it here,
    /// and sends it itself.
    ///
    /// # Errors
    /// What is wrong with the canvas.
    pub fn replacement(&self, canvas: impl Into<Canvas>) -> Result<Canvas> {
        let embed = self.embed()?;
        canvas.into().in_place_of(&self.host(&embed), self.freezing(&mut new_id))
    }

    /// Adds to the chord that the task is a part of: its body waits for this as well, and gets its result beside that of the task.
    ///
    /// # Errors
    /// - [`Kind::Misuse`]: the task is no part of a chord, or what is added ends in a group
    /// - [`Kind::Unsupported`]: the result backend cannot count further parts
    /// - as [`Canvas::send`]
    ///
    /// # Wire
    /// Celery's `Task.add_to_chord`.
    pub async fn add_to_chord(&self, canvas: impl Into<Canvas> + Send) -> Result<CanvasResult> {
        let canvas = self.add_to_chord_lazily(canvas).await?;
        let app = self.own_app()?;
        let plan = planned(&canvas, app, &[], &Options::default())?;
        let result = CanvasResult::of(app, plan.promise.clone());
        carry_out(plan, app, Some(self)).await?;
        Ok(result)
    }

    /// The same without sending it: the body waits until whoever gets the canvas has sent it.
    ///
    /// # Errors
    /// As [`TaskContext::add_to_chord`].
    pub async fn add_to_chord_lazily(&self, canvas: impl Into<Canvas> + Send) -> Result<Canvas> {
        let canvas = {
            let embed = self.embed()?;
            canvas.into().in_chord_of(&self.host(&embed), self.freezing(&mut new_id))?
        };
        let group = self.request().group().unwrap_or_default();
        chords(self.own_app()?)?.add(group, 1).await?;
        Ok(canvas)
    }

    fn own_app(&self) -> Result<&App> {
        self.app().ok_or_else(|| Error::new(Kind::Misuse, "the function was called without an application"))
    }

    fn embed(&self) -> Result<Embed> {
        Ok(self.request().message.body.embed(codec_settings())?)
    }

    fn host<'a>(&self, embed: &'a Embed) -> Host<'a> {
        let headers = self.request().headers();
        Host {
            id: headers.id.clone(),
            group_id: headers.group.clone(),
            group_index: headers.group_index,
            root_id: headers.root_id.clone(),
            nesting: headers.replaced_task_nesting,
            embed,
        }
    }

    fn freezing<'a>(&self, new_id: &'a mut dyn FnMut() -> salamander_value::Str) -> Freezing<'a> {
        let own = || self.app().map(App::reply_to).unwrap_or_default();
        let reply_to = self.request().reply_to().map_or_else(own, Into::into);
        Freezing { new_id, reply_to, left: 0 }
    }
}
