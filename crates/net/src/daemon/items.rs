//! Item streams: the calls of the daemon's own object that ask for their items.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use salamander_codec::{Codec, Output, Settings};
use salamander_object::{Encoded, ItemSource, Items, Next, Outcome, Request, Step};
use salamander_value::{Exception, Reader, Token, Value, ValueWriter, Writer, from_reader, write_value};

use super::answer::Answer;
use super::shared::Shared;
use crate::features::NEXT_ITEMS;

/// At most this many items are given at once.
const MOST_ITEMS: usize = 10_000;
/// No more items are given once they have this many bytes: however many of however large ones somebody asks for, they are not all held
/// at once.
const ENOUGH: usize = 4 * 1024 * 1024;

/// Answers the calls that ask for items; gives nothing for any other method.
pub(super) fn ask(
    method: &str,
    args: &mut dyn Reader<'_>,
    answer: &Answer<'_>,
    request: &Request,
    out: &mut Output,
) -> Result<Option<Step>, Exception> {
    let several = match method {
        "get_next_stream_item" => false,
        NEXT_ITEMS => true,
        _ => return Ok(None),
    };
    if !matches!(args.next()?, Token::List(_) | Token::Tuple(_)) {
        return Err(Exception::type_error("the arguments of a call should be a list"));
    }
    let missing = || Exception::type_error(format!("DaemonObject.{method}() missing 1 required positional argument"));
    let id: String = from_reader(args).map_err(|_| missing())?;
    let count = if several { from_reader::<usize>(args).map_err(|_| missing())?.clamp(1, MOST_ITEMS) } else { 1 };
    let items = answer.shared.streams.take(&id, Some(answer.session))?;
    let (shared, settings) = (answer.shared.clone(), answer.dialect.codec_settings.clone());
    let mut asking = Asking { shared, codec: answer.codec, settings, id, items: Some(items), count, several };
    // Whoever has to wait is polled again with a waker of its own.
    let cx = &mut Context::from_waker(Waker::noop());
    let mut asked = Poll::Pending;
    let step = answer.write(out, request, |reply| {
        // Whoever computes an item may set annotations of the reply that carries it.
        asked = request.context().clone().scope_sync(|| asking.poll(cx, reply));
        match &asked {
            Poll::Ready(Ok(())) => Step::Done,
            Poll::Ready(Err(exception)) => Step::Failed(exception.clone()),
            Poll::Pending => Step::Failed(Exception::stop_iteration()),
        }
    })?;
    if asked.is_ready() {
        return Ok(Some(step));
    }
    Ok(Some(Step::Pending(asking.wait(request.clone()))))
}

/// Items that are being asked for.
struct Asking {
    shared: Arc<Shared>,
    codec: Codec,
    settings: Arc<Settings>,
    id: String,
    items: Option<Items>,
    count: usize,
    several: bool,
}

impl Asking {
    fn poll(&mut self, cx: &mut Context<'_>, reply: &mut dyn Writer) -> Poll<Result<(), Exception>> {
        let Some(mut items) = self.items.take() else { return Poll::Ready(Err(Exception::stop_iteration())) };
        if !self.several {
            return match items.poll_next(cx, reply) {
                Poll::Pending => {
                    self.items = Some(items);
                    Poll::Pending
                }
                Poll::Ready(next) => Poll::Ready(self.after(next, items)),
            };
        }
        self.poll_several(items, cx, reply)
    }

    /// As many items as are there now, but at least one.
    fn poll_several(
        &mut self,
        mut items: Items,
        cx: &mut Context<'_>,
        reply: &mut dyn Writer,
    ) -> Poll<Result<(), Exception>> {
        let mut values = Vec::new();
        let mut bytes = 0;
        let mut over = None;
        while values.len() < self.count && bytes < ENOUGH {
            let mut writer = ValueWriter::default();
            match items.poll_next(cx, &mut writer) {
                Poll::Ready(Next::Item) => match writer.into_value().and_then(|value| self.carried(value)) {
                    Ok((value, size)) => {
                        values.push(value);
                        bytes += size;
                    }
                    Err(error) => {
                        over = Some(Some(error.exception()));
                        break;
                    }
                },
                Poll::Pending if values.is_empty() => {
                    self.items = Some(items);
                    return Poll::Pending;
                }
                Poll::Pending => break,
                Poll::Ready(Next::End) => {
                    over = Some(None);
                    break;
                }
                Poll::Ready(Next::Failed(exception)) => {
                    over = Some(Some(exception));
                    break;
                }
            }
        }
        let given = values.len();
        write_value(&Value::List(values), reply)?;
        match over {
            None => self.shared.streams.put_back(&self.id, items),
            // The failure is what comes after the items before it.
            Some(Some(exception)) if given > 0 => {
                self.shared.streams.put_back(&self.id, Items::new(Failure(Some(exception))));
            }
            Some(Some(exception)) => return Poll::Ready(Err(self.failed(exception))),
            Some(None) if given > 0 => self.shared.streams.put_back(&self.id, Items::new(Failure(None))),
            Some(None) => return Poll::Ready(Err(self.end(Exception::stop_iteration()))),
        }
        Poll::Ready(Ok(()))
    }

    /// The item and its size, if the codec can carry it: one that it cannot is found before anything of it stands in the reply.
    fn carried(&self, item: Value) -> salamander_value::Result<(Value, usize)> {
        let mut out = Output::new();
        self.codec.write(&mut out, &self.settings, |writer| {
            writer.begin_list(Some(1))?;
            write_value(&item, writer)?;
            writer.end()
        })?;
        Ok((item, out.total_len()))
    }

    /// What asking for one item has come to.
    fn after(&mut self, next: Next, items: Items) -> Result<(), Exception> {
        match next {
            Next::Item => {
                self.shared.streams.put_back(&self.id, items);
                Ok(())
            }
            Next::End => Err(self.end(Exception::stop_iteration())),
            Next::Failed(exception) => Err(self.failed(exception)),
        }
    }

    /// The stream is over because it failed, which happened outside of any call that could tell of it.
    fn failed(&self, mut exception: Exception) -> Exception {
        if exception.traceback().is_empty() {
            exception.set_traceback(vec![
                "Traceback (most recent call last):\n".to_owned(),
                "  In a stream of items\n".to_owned(),
                format!("{exception}\n"),
            ]);
        }
        self.end(exception)
    }

    /// The stream is over.
    fn end(&self, exception: Exception) -> Exception {
        self.shared.streams.close(&self.id);
        exception
    }

    /// Waits for the items, and encodes them for a reply; not longer than the stream is open.
    fn wait(mut self, request: Request) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        let mut closed = Box::pin(self.shared.streams.closed(&self.id));
        let context = request.context().clone();
        Box::pin(context.scope(async move {
            let format = &request.format;
            poll_fn(move |cx| {
                if closed.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Outcome::Exception(Exception::pyro("PyroError", "item stream terminated")));
                }
                let mut out = Output::new();
                let mut asked = Poll::Pending;
                let written = format.codec.write(&mut out, &format.settings, |reply| {
                    asked = self.poll(cx, reply);
                    Ok(())
                });
                asked.map(|asked| match asked.and_then(|()| written.map_err(Exception::from)) {
                    Ok(()) => Outcome::Value(Encoded { codec: format.codec, bytes: Bytes::from(out.into_vec()) }),
                    Err(exception) => Outcome::Exception(exception),
                })
            })
            .await
        }))
    }
}

/// What is left of a stream that failed or ended behind its last item.
struct Failure(Option<Exception>);

impl ItemSource for Failure {
    fn poll_next(&mut self, _cx: &mut Context<'_>, _out: &mut dyn Writer) -> Poll<Next> {
        Poll::Ready(self.0.take().map_or(Next::End, Next::Failed))
    }
}
