//! `chatbox`: people on channels, who hear what the others say.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use salamander::prelude::*;
use salamander::{InstanceMode, Kind};

use super::{Printed, Stage};

type Channels = BTreeMap<String, Vec<(String, Proxy)>>;

struct ChatBox {
    channels: Mutex<Channels>,
    printed: Printed,
}

impl ChatBox {
    fn channels(&self) -> MutexGuard<'_, Channels> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tell(&self, channel: &str, nick: &str, message: &str) {
        let people = self.channels().get(channel).cloned().unwrap_or_default();
        for (name, callback) in people {
            match callback.call::<()>("message", (nick, message)).await {
                Err(error) if error.kind() == Kind::Connection => {
                    let mut channels = self.channels();
                    if let Some(people) = channels.get_mut(channel) {
                        people.retain(|(other, _)| *other != name);
                    }
                    self.printed.line(format_args!("Removed dead listener {name}"));
                }
                _ => {}
            }
        }
    }
}

#[expose]
impl ChatBox {
    #[name("getChannels")]
    fn get_channels(&self) -> Vec<String> {
        self.channels().keys().cloned().collect()
    }

    #[name("getNicks")]
    fn get_nicks(&self) -> Vec<String> {
        self.channels().values().flatten().map(|(nick, _)| nick.clone()).collect()
    }

    async fn join(&self, channel: String, nick: String, callback: Proxy) -> Result<Vec<String>, Exception> {
        if channel.is_empty() || nick.is_empty() {
            return Err(Exception::value_error("invalid channel or nick name"));
        }
        if self.get_nicks().contains(&nick) {
            return Err(Exception::value_error("this nick is already in use"));
        }
        self.channels().entry(channel.clone()).or_default().push((nick.clone(), callback));
        self.printed.line(format_args!("{nick} JOINED {channel}"));
        self.tell(&channel, "SERVER", &format!("** {nick} joined **")).await;
        let channels = self.channels();
        Ok(channels.get(&channel).into_iter().flatten().map(|(nick, _)| nick.clone()).collect())
    }

    async fn leave(&self, channel: String, nick: String) {
        if let Some(people) = self.channels().get_mut(&channel) {
            people.retain(|(other, _)| *other != nick);
        }
        self.tell(&channel, "SERVER", &format!("** {nick} left **")).await;
        self.channels().retain(|_, people| !people.is_empty());
        self.printed.line(format_args!("{nick} LEFT {channel}"));
    }

    async fn publish(&self, channel: String, nick: String, msg: String) {
        self.tell(&channel, &nick, &msg).await;
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let printed = stage.printed.clone();
    let make =
        move |_: &CallContext| Ok::<_, Exception>(ChatBox { channels: Mutex::default(), printed: printed.clone() });
    let uri = daemon.register_class("example.chatbox.server", InstanceMode::Single, make)?;
    stage.names().await?.register("example.chatbox.server", &uri).await?;
    daemon.spawn();
    Ok(uri)
}
