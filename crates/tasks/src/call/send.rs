//! How a task is sent.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use salamander_codec::{Args, Arguments};
use salamander_value::{DateTime, Str, Value};
use salamander_wire::celery::{
    Compression, DeliveryInfo, ResultTree, Serializer, TaskBody, TaskHeaders, TaskMessage, TimeLimits,
};

use super::dedupe;
use super::environment::{Clock, codec_settings, expiration, new_id, origin, pause};
use super::repr::arguments_text;
use super::{AsyncResult, Expires, RetryPolicy, SendOptions, Sending, Signature};
use crate::App;
use crate::Waits;
use crate::broker::{Publication, Queue, Topology};
use crate::error::{Error, Kind, Result};
use crate::permits::Permit;
use crate::task::TaskContext;

/// A task that is ready to be published.
pub(crate) struct Prepared {
    pub(crate) id: Str,
    pub(crate) publication: Publication,
    declare: Option<Arc<Queue>>,
    ignore_result: bool,
    add_to_parent: bool,
    retry: Option<RetryPolicy>,
    limit: Duration,
    /// It is sent only where this is to be had.
    dedupe: Option<Permit>,
}

enum Way<'a, T> {
    Out(Result<Box<Prepared>>),
    InPlace(Sending<'a, T>),
}

impl<T: 'static> Signature<T> {
    /// The message is made at once: what is on its way, often together with a thousand others, is small.
    pub(super) fn sent(self, app: &App) -> impl Future<Output = Result<AsyncResult<T>>> + Send + use<'_, T> {
        let parent = TaskContext::current();
        let way = match app.settings().task_always_eager && self.known.is_some() {
            true => Way::InPlace(Box::pin(self.applied(app))),
            false => Way::Out(self.prepare(app, parent.as_ref()).map(Box::new)),
        };
        async move {
            match way {
                Way::InPlace(applied) => applied.await,
                Way::Out(prepared) => prepared?.publish(app, parent.as_ref()).await,
            }
        }
    }
}

impl<T> Signature<T> {
    /// The message of it, and where it goes.
    pub(crate) fn prepare(self, app: &App, parent: Option<&TaskContext>) -> Result<Prepared> {
        let Self { task, arguments, mut options, known, .. } = self;
        let arguments = arguments?;
        let settings = app.settings();
        if let Some(known) = &known {
            known.check(&arguments)?;
            options.fill_task(&known.options);
            options.ignore_result =
                options.ignore_result.or(known.options.ignore_result).or(Some(settings.task_ignore_result));
            options.time_limit = options.time_limit.or(settings.task_time_limit);
            options.soft_time_limit = options.soft_time_limit.or(settings.task_soft_time_limit);
            options.priority = options.priority.or(settings.task_default_priority);
        } else if let Some(known) = app.task(&task) {
            options.fill_task(&known);
            options.priority = options.priority.or(settings.task_default_priority);
        }
        if let (Some(hard), Some(soft)) = (options.time_limit, options.soft_time_limit)
            && soft > hard
            && known.is_some()
        {
            return Err(Error::new(Kind::Misuse, "soft_time_limit must be less than or equal to time_limit"));
        }
        let route = options.route_name.take().unwrap_or_else(|| task.clone());
        let destination = app.router().route(&route, &arguments, &mut options)?;
        let id = options.task_id.take().unwrap_or_else(new_id);
        let dedupe = dedupe::permit(app, &task, &id, &arguments, &options)?;
        let clock = Clock::now();
        let eta = match options.countdown {
            Some(countdown) if countdown != 0.0 => Some(clock.after(countdown)),
            _ => options.eta.take(),
        };
        let (expires, expiration) = expiry(&options, clock)?;
        let request = parent.map(TaskContext::request);
        let root = || request.map(|request| request.root_id().unwrap_or(request.id()).into());
        let parent_id = || request.map(|request| Str::from(request.id()));
        let priority = options.priority.or_else(|| {
            request.filter(|_| settings.task_inherit_parent_priority).and_then(|request| request.priority())
        });
        let (args, kwargs) = arguments_text(&arguments);
        let seconds = |limit: Option<Duration>| limit.map(|limit| limit.as_secs_f64());
        let headers = TaskHeaders {
            lang: "py".into(),
            task,
            shadow: options.shadow.take(),
            eta,
            expires,
            group: options.group_id.take(),
            group_index: options.group_index,
            retries: 0,
            timelimit: TimeLimits { hard: seconds(options.time_limit), soft: seconds(options.soft_time_limit) },
            root_id: options.root_id.take().or_else(root).or_else(|| Some(id.clone())),
            parent_id: options.parent_id.take().or_else(parent_id),
            argsrepr: Some(args.into()),
            kwargsrepr: Some(kwargs.into()),
            origin: Some(origin().clone()),
            ignore_result: options.ignore_result,
            replaced_task_nesting: options.replaced_task_nesting,
            stamped_headers: options.stamped_headers.take(),
            stamps: std::mem::take(&mut options.stamps),
            other: std::mem::take(&mut options.headers),
            id: id.clone(),
        };
        let serializer = options.serializer.as_deref().unwrap_or(&settings.task_serializer);
        let serializer = Serializer::from_name(serializer)?;
        let body = TaskBody::encode(serializer, &arguments, &options.embed, codec_settings())
            .map_err(|error| Error::of_task(Kind::Misuse, error.exception()))?;
        let mut message = TaskMessage::new(headers, body);
        let properties = &mut message.properties;
        properties.reply_to = Some(match options.reply_to.take() {
            Some(queue) => queue,
            None => app.reply_to(),
        });
        properties.delivery_mode = Some(options.delivery_mode.unwrap_or(settings.task_default_delivery_mode));
        properties.priority = priority;
        properties.expiration = expiration;
        properties.delivery_info = DeliveryInfo::new(destination.exchange.clone(), destination.routing_key.clone());
        for (name, value) in std::mem::take(&mut options.properties) {
            if let Some(name) = name.as_str() {
                properties.put(name, value);
            }
        }
        let mut message = message.into_message();
        if let Some(compression) = options.compression.as_ref().or(settings.task_compression.as_ref()) {
            message.compress(Compression::from_name(compression)?)?;
        }
        Ok(Prepared {
            id,
            publication: Publication {
                exchange: destination.exchange,
                routing_key: destination.routing_key,
                message,
                delay: None,
            },
            declare: destination.declare,
            ignore_result: options.ignore_result.unwrap_or_default(),
            add_to_parent: options.add_to_parent.unwrap_or(true),
            retry: match options.retry.unwrap_or(settings.task_publish_retry) {
                true => Some(options.retry_policy.unwrap_or(settings.task_publish_retry_policy)),
                false => None,
            },
            limit: options.publish_timeout.unwrap_or(settings.publish_timeout),
            dedupe,
        })
    }
}

/// The header `expires` and the property `expiration`.
fn expiry(options: &SendOptions, clock: Clock) -> Result<(Option<Str>, Option<Str>)> {
    Ok(match &options.expires {
        None => (None, None),
        Some(Expires::After(seconds)) => (Some(clock.after(*seconds)), expiration(*seconds)),
        Some(Expires::At(time)) => {
            if time.parse::<DateTime>().is_err() {
                return Err(Error::new(Kind::Misuse, format!("expires is no time: {time}")));
            }
            (Some(time.clone()), clock.expiration(time))
        }
    })
}

impl Prepared {
    /// Publishes it, in time, and as often as the policy says.
    pub(crate) async fn publish<T>(
        mut self: Box<Self>,
        app: &App,
        parent: Option<&TaskContext>,
    ) -> Result<AsyncResult<T>> {
        let Some(permit) = self.dedupe.take() else {
            let result = AsyncResult::sent(app.clone(), self.id.clone(), self.ignore_result);
            self.deliver(app, parent).await?;
            return Ok(result);
        };
        let (ignore_result, limit) = (self.ignore_result, self.limit);
        let id = dedupe::once(app, permit, limit, self.deliver(app, parent)).await?;
        Ok(AsyncResult::sent(app.clone(), id, ignore_result))
    }

    /// The same, where who waits for the result is told already.
    pub(crate) async fn deliver(self: Box<Self>, app: &App, parent: Option<&TaskContext>) -> Result<()> {
        let (id, ignore_result, add_to_parent, limit) =
            (self.id.clone(), self.ignore_result, self.add_to_parent, self.limit);
        let publish = async {
            if !ignore_result && let Some(preparing) = app.backend().and_then(|backend| backend.prepare()) {
                preparing.await?;
            }
            self.attempts(app).await
        };
        match tokio::time::timeout(limit, publish).await {
            Ok(done) => done?,
            Err(_) => return Err(app.late(&format!("the task {id}"), limit)),
        }
        if let Some(parent) = parent
            && add_to_parent
        {
            parent.add_child(ResultTree::task(id));
        }
        Ok(())
    }

    /// Publishes several, by something else than the broker.
    pub(crate) async fn publish_all<'a>(
        all: Vec<Self>,
        app: &App,
        parent: Option<&TaskContext>,
        publish: impl FnOnce(Vec<Publication>) -> Waits<'a, bool>,
    ) -> Result<bool> {
        let limit = all.iter().map(|one| one.limit).min().unwrap_or(app.settings().publish_timeout);
        let tasks: Vec<(Str, bool)> = all.iter().map(|one| (one.id.clone(), one.add_to_parent)).collect();
        let publishing = async {
            for one in &all {
                if !one.ignore_result
                    && let Some(preparing) = app.backend().and_then(|backend| backend.prepare())
                {
                    preparing.await?;
                }
                one.declare(app).await?;
            }
            publish(all.into_iter().map(|one| one.publication).collect()).await
        };
        let published = match tokio::time::timeout(limit, publishing).await {
            Ok(done) => done?,
            Err(_) => return Err(app.late(&format!("{} tasks", tasks.len()), limit)),
        };
        for (id, _) in tasks.into_iter().filter(|(_, adds)| *adds && published) {
            parent.into_iter().for_each(|parent| parent.add_child(ResultTree::task(id.clone())));
        }
        Ok(published)
    }

    /// Tries as often as the policy says, where the broker does not wait for its connection by itself.
    async fn attempts(self: Box<Self>, app: &App) -> Result<()> {
        let mut attempts = 0;
        loop {
            let again = self.retry.filter(|policy| policy.max_retries.is_none_or(|most| attempts < most));
            let Some(policy) = again.filter(|_| !app.broker().waits()) else {
                self.declare(app).await?;
                return app.broker().publish(self.publication).await;
            };
            let done = match self.declare(app).await {
                Ok(()) => app.broker().publish(self.publication.clone()).await,
                failed => failed,
            };
            match done {
                Err(error) if error.kind() == Kind::Connection => {
                    let wait = pause(policy.interval_start, policy.interval_step, policy.interval_max, attempts);
                    tokio::time::sleep(wait).await;
                    attempts += 1;
                }
                done => return done,
            }
        }
    }

    async fn declare(&self, app: &App) -> Result<()> {
        match &self.declare {
            Some(queue) => app.declare(queue).await,
            None => Ok(()),
        }
    }
}

impl super::signature::Known {
    /// Whether the arguments fit, as Python finds out before it sends.
    fn check(&self, arguments: &Args) -> Result<()> {
        let Some(method) = self.members.methods.first().filter(|_| self.options.typing) else { return Ok(()) };
        let keywords = arguments.keywords.keys().filter_map(Value::as_str);
        let checked = self.members.check_arguments(method, arguments.positional.len(), keywords);
        checked.map_err(|exception| Error::of_task(Kind::Misuse, exception))
    }
}

impl App {
    /// The broker did not take something in time.
    pub(crate) fn late(&self, what: &str, limit: Duration) -> Error {
        let text = format!("{} did not take {what} within {limit:?}", self.broker().url());
        match self.broker().trouble() {
            Some(trouble) => Error::with_source(Kind::Deadline, format!("{text}: {trouble}"), trouble),
            None => Error::new(Kind::Deadline, text),
        }
    }

    /// Makes a queue, once.
    pub(crate) async fn declare(&self, queue: &Arc<Queue>) -> Result<()> {
        if self.is_declared(&queue.name) {
            return Ok(());
        }
        self.broker().declare(&Topology::from(Queue::clone(queue))).await?;
        self.set_declared(queue.name.clone());
        Ok(())
    }

    /// Sends a task by its name, in whichever language it is written, with positional arguments or both kinds.
    ///
    /// # Errors
    /// As [`Signature::send`].
    pub async fn send_task(&self, name: &str, arguments: impl Arguments) -> Result<AsyncResult> {
        Signature::<Value>::new(name, arguments).sent(self).await
    }

    /// Sends many at once: their round trips are shared. The results come in the same order, each with what went wrong with it.
    pub async fn send_many<T: 'static>(
        &self,
        signatures: impl IntoIterator<Item = Signature<T>>,
    ) -> Vec<Result<AsyncResult<T>>> {
        let sending = signatures.into_iter().map(|signature| signature.sent(self));
        futures_util::stream::iter(sending).buffered(AT_ONCE).collect().await
    }
}

/// How many tasks are on their way at once.
pub(crate) const AT_ONCE: usize = 1024;
