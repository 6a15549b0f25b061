//! `messagebus`: messages by topic, for whoever wants them. This keeps them in memory, as the example's `-s memory`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use salamander::prelude::*;
use salamander::{Generation, InstanceMode, Set};

use super::{Printed, Stage, clock};

/// The name by which the bus is found.
pub const NAME: &str = "Pyro.MessageBus";

/// What a subscriber gets.
#[class("Pyro5.utils.messagebus.message")]
#[derive(Clone, Debug)]
pub struct Message {
    /// A number that no other has.
    pub msgid: String,
    /// When it was sent, as text with microseconds.
    pub created: String,
    /// What was sent.
    pub data: Value,
}

/// The same under the name by which Pyro4's subscribers know it.
#[class("Pyro4.utils.messagebus.message")]
#[derive(Debug)]
struct Pyro4Message {
    msgid: String,
    created: String,
    data: Value,
}

impl From<&Message> for Pyro4Message {
    fn from(message: &Message) -> Self {
        let Message { msgid, created, data } = message.clone();
        Self { msgid, created, data }
    }
}

#[derive(Default)]
struct Topic {
    pending: Vec<Message>,
    subscribers: HashMap<String, Proxy>,
}

type Topics = BTreeMap<String, Topic>;

struct MessageBus {
    topics: Mutex<Topics>,
    /// Keeps messages of one topic in their order.
    sending: tokio::sync::Mutex<()>,
    generation: Generation,
    printed: Printed,
}

impl MessageBus {
    fn lock(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, topic: &str, data: Value) -> Result<(), Exception> {
        let message = Message { msgid: uuid::Uuid::new_v4().to_string(), created: clock::text(), data };
        let mut topics = self.lock();
        topics.get_mut(topic).ok_or_else(|| Exception::key_error(topic))?.pending.push(message);
        Ok(())
    }

    /// Sends what is pending to those who want it; who cannot be reached is out.
    async fn deliver(&self, topic: &str) {
        let _sending = self.sending.lock().await;
        let (messages, subscribers) = {
            let mut topics = self.lock();
            let Some(topic) = topics.get_mut(topic) else { return };
            (std::mem::take(&mut topic.pending), topic.subscribers.clone())
        };
        if messages.is_empty() {
            return;
        }
        for (uri, subscriber) in subscribers {
            let sent = match self.generation {
                Generation::Pyro5 => subscriber.call::<()>("incoming_messages", (topic, &messages)).await,
                Generation::Pyro4 => {
                    let messages: Vec<Pyro4Message> = messages.iter().map(Pyro4Message::from).collect();
                    subscriber.call("incoming_messages", (topic, messages)).await
                }
            };
            if let Err(error) = sent {
                self.printed.line(format_args!("removing subscription of {uri}: {error}"));
                self.lock().values_mut().for_each(|topic| drop(topic.subscribers.remove(&uri)));
            }
        }
    }
}

#[expose]
impl MessageBus {
    fn add_topic(&self, topic: String) {
        self.lock().entry(topic).or_default();
    }

    fn remove_topic(&self, topic: &str) -> Result<(), Exception> {
        let mut topics = self.lock();
        if topics.get(topic).is_some_and(|topic| !topic.pending.is_empty() || !topic.subscribers.is_empty()) {
            return Err(Exception::value_error("topic still has pending messages and/or subscribers"));
        }
        topics.remove(topic);
        Ok(())
    }

    fn topics(&self) -> Set {
        self.lock().keys().map(String::as_str).collect()
    }

    async fn send(&self, topic: String, message: Value) -> Result<(), Exception> {
        self.add(&topic, message)?;
        self.deliver(&topic).await;
        Ok(())
    }

    #[oneway]
    async fn send_no_ack(&self, topic: String, message: Value) -> Result<(), Exception> {
        self.add(&topic, message)?;
        self.deliver(&topic).await;
        Ok(())
    }

    fn subscribe(&self, topic: String, subscriber: Proxy) {
        let uri = subscriber.uri().to_string();
        self.printed.line(format_args!("subscribed to {topic}: {uri}"));
        self.lock().entry(topic).or_default().subscribers.insert(uri, subscriber);
    }

    fn unsubscribe(&self, topic: &str, subscriber: Proxy) {
        if let Some(topic) = self.lock().get_mut(topic) {
            topic.subscribers.remove(&subscriber.uri().to_string());
        }
        self.printed.line(format_args!("unsubscribed from {topic}"));
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let (generation, printed) = (stage.generation(), stage.printed.clone());
    let make = move |_: &CallContext| {
        let (topics, sending) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok::<_, Exception>(MessageBus { topics, sending, generation, printed: printed.clone() })
    };
    let uri = daemon.register_class("messagebus", InstanceMode::Single, make)?;
    stage.names().await?.register(NAME, &uri).await?;
    daemon.spawn();
    Ok(uri)
}

/// Prints the messages that it gets.
pub struct Subscriber(pub Printed);

#[expose]
impl Subscriber {
    fn incoming_message(&self, topic: &str, message: Message) {
        self.0.line(format_args!("{topic}: {}", message.data));
    }

    fn incoming_messages(&self, topic: &str, messages: Vec<Message>) {
        for message in messages {
            self.incoming_message(topic, message);
        }
    }
}
