//! How a proxy makes a call: over which connection, how often, and what travels with it.

use std::sync::{Arc, PoisonError};

use salamander_codec::Arguments;
use salamander_object::CallContext;
use salamander_value::Value;
use salamander_wire::pyro5::{AnnotationId, Annotations, Flags};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::connection::{Connection, Invoke};
use super::greeting::Greeting;
use super::handshake::{Attempt, Hello, Welcome, adopt, connect};
use super::pool::Lease;
use super::proxy::{Extras, Proxy};
use super::reply::Reply;
use crate::dialect::Dialect;
use crate::error::{Error, Kind, Result};
use crate::stream::within;
use crate::uri::Uri;

impl Proxy {
    pub(crate) async fn call_with<T: DeserializeOwned>(
        &self,
        method: &str,
        arguments: &(dyn Arguments + Sync),
        extras: &Extras,
    ) -> Result<(T, Annotations)> {
        match self.invoke(method, arguments, extras).await? {
            Some((reply, connection)) => Ok((reply.result(&connection)?, reply.annotations().clone())),
            None => Ok((salamander_value::from_value(&Value::None)?, Annotations::new())),
        }
    }

    /// Makes a call, with retries and the deadline. Gives nothing for one that has no reply.
    pub(crate) async fn invoke(
        &self,
        method: &str,
        arguments: &(dyn Arguments + Sync),
        extras: &Extras,
    ) -> Result<Option<(Reply, Arc<Connection>)>> {
        let timeout = extras.timeout.or(self.0.options.timeout);
        let mut retries = self.0.options.retries;
        loop {
            let attempt = self.attempt(method, arguments, extras);
            let done = match timeout {
                None => attempt.await,
                Some(_) => within(timeout, attempt, "receiving").await.and_then(|done| done),
            };
            if done.as_ref().is_err_and(|error| error.kind() == Kind::Deadline) {
                self.0.pool.forget_held_up();
            }
            match done {
                Err(error) if retries > 0 && error.is_retryable() => {
                    tracing::debug!("{}.{method} is tried again: {error}", self.0.uri);
                    retries -= 1;
                }
                done => return done,
            }
        }
    }

    async fn attempt(
        &self,
        method: &str,
        arguments: &(dyn Arguments + Sync),
        extras: &Extras,
    ) -> Result<Option<(Reply, Arc<Connection>)>> {
        let context = CallContext::current();
        if self.0.metadata.get().is_none() {
            // Which methods are one-way is known from the first connection on.
            self.connection().await?;
        }
        let mut flags = Flags::NONE;
        let oneway = extras.oneway || (extras.object.is_none() && !extras.batch && self.is_oneway(method));
        if oneway {
            flags.insert(Flags::ONEWAY);
        }
        if extras.batch {
            flags.insert(Flags::BATCH);
        }
        if extras.blob.is_some() {
            flags.insert(Flags::KEEP_SERIALIZED);
        }
        let carried;
        let mut annotations = &extras.annotations;
        if let Some(context) = &context {
            carried = carry(context, annotations);
            annotations = &carried;
        }
        let nested = context.is_some();
        let invoke = Invoke {
            object: extras.object,
            method,
            flags,
            annotations,
            correlation_id: extras
                .correlation_id
                .or(context.map(|context| context.correlation_id()))
                .map(Uuid::into_bytes),
            arguments,
            blob: extras.blob.as_ref(),
        };
        loop {
            // A call that is made while serving one goes over a connection of its own: the peer may be waiting for us.
            let (connection, lease) = match nested && self.0.options.connected.is_none() {
                false => (self.connection().await?, None),
                true => {
                    let lease = self.0.pool.lease(|| self.connect()).await?;
                    (lease.connection().clone(), Some(lease))
                }
            };
            if oneway {
                if connection.oneway(invoke).await? {
                    lease.into_iter().for_each(Lease::give_back);
                    return Ok(None);
                }
            } else if let Some(message) = connection.call(invoke).await? {
                let reply = Reply::new(message, connection.codec_of(invoke.blob), &connection)?;
                if !reply.is_stream() {
                    // A stream keeps its connection: while an item is waited for, another call would be too.
                    lease.into_iter().for_each(Lease::give_back);
                }
                return Ok(Some((reply, connection)));
            }
            // It was closed since the last call, and nothing has been sent.
            self.0.pool.forget(&connection);
        }
    }

    fn is_oneway(&self, method: &str) -> bool {
        self.0.metadata.get().is_some_and(|metadata| metadata.oneway.iter().any(|name| name == method))
    }

    /// The connection that clones share; a new one where there is none that works.
    pub(crate) async fn connection(&self) -> Result<Arc<Connection>> {
        match self.0.pool.shared() {
            Some(connection) => Ok(connection),
            None => {
                let proxy = self.clone();
                self.0.pool.open(|| async move { proxy.connect().await }).await
            }
        }
    }

    /// Connects to a daemon in what it speaks. Where that is not known, Pyro 5 is tried, and Pyro 4 if the daemon says so.
    async fn greet<'a>(&'a self, uri: &Uri, hello: impl Fn(&'a Arc<Dialect>) -> Hello<'a>) -> Result<Welcome> {
        let known = self.0.generation.get().copied();
        let first = known.unwrap_or_default();
        let speaks = match connect(uri, &hello(self.0.dialect(first))).await? {
            Attempt::Welcome(welcome) => {
                let _ = self.0.generation.set(first);
                return Ok(welcome);
            }
            Attempt::Speaks(_, error) if known.is_some() => return Err(error),
            Attempt::Speaks(generation, _) => generation,
        };
        tracing::debug!("{uri} is an object of {speaks}");
        match connect(uri, &hello(self.0.dialect(speaks))).await? {
            Attempt::Welcome(welcome) => {
                let _ = self.0.generation.set(speaks);
                Ok(welcome)
            }
            Attempt::Speaks(_, error) => Err(error),
        }
    }

    async fn connect(&self) -> Result<Arc<Connection>> {
        let options = &self.0.options;
        let known = self.0.resolved.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let uri = match known {
            Some(uri) => uri,
            None if options.connected.is_some() => self.0.uri.clone(),
            None => crate::naming::resolve_boxed(&self.0.uri, &options.config).await.map_err(Error::of_unsent)?,
        };
        let hello = |dialect| Hello {
            codec: options.codec,
            dialect,
            config: &options.config,
            tls: options.tls.as_ref(),
            timeout: options.timeout,
            handshake: &options.handshake,
            annotations: NO_ANNOTATIONS,
        };
        let connecting = async {
            match &options.connected {
                None => self.greet(&uri, hello).await,
                Some(connected) => {
                    let spoken = self.0.generation.get().copied().unwrap_or_default();
                    adopt(connected.take()?, uri.object(), &hello(self.0.dialect(spoken))).await
                }
            }
        };
        match connecting.await {
            Ok(Welcome { connection, response, metadata, certificate }) => {
                let greeting = Greeting::new(&uri, response, certificate, &options.check)?;
                options.check.run(&greeting)?;
                let _ = self.0.metadata.set(metadata);
                *self.0.greeting.lock().unwrap_or_else(PoisonError::into_inner) = Some(greeting);
                *self.0.resolved.lock().unwrap_or_else(PoisonError::into_inner) = Some(uri);
                Ok(connection)
            }
            Err(error) => {
                // The name may stand for another place by now.
                *self.0.resolved.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Err(error.of_unsent())
            }
        }
    }
}

const NO_ANNOTATIONS: &Annotations = &Annotations::new();

/// The annotations of a call made while serving another: those of the caller, so that they reach where it leads, and the
/// locks that are held on the way.
fn carry(context: &CallContext, own: &Annotations) -> Annotations {
    let mut annotations = Annotations::new();
    for (id, data) in context.annotations() {
        if let Some(id) = AnnotationId::new(*id) {
            annotations.insert(id, data.clone());
        }
    }
    for (id, data) in own.iter() {
        annotations.insert(id, data.clone());
    }
    if let (false, Some(id)) = (context.holds().is_empty(), AnnotationId::new(*CallContext::HOLDS)) {
        let holds: Vec<u8> = context.holds().iter().flat_map(|hold| hold.to_be_bytes()).collect();
        annotations.insert(id, holds);
    }
    annotations
}
