//! [`Content`]: what goes before a body, and messages on their way out.

use std::convert::Infallible;

use salamander_value::{Dict, Str};

use super::fields::{Fields, short, text};
use super::frame::{FrameKind, frame};
use super::{AROUND, table};
use crate::{WireError, WireErrorKind};

/// The properties of a message, and the size of its body.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Content {
    pub size: u64,
    pub content_type: Option<Str>,
    pub content_encoding: Option<Str>,
    pub headers: Option<Dict>,
    pub delivery_mode: Option<u8>,
    pub priority: Option<u8>,
    pub correlation_id: Option<Str>,
    pub reply_to: Option<Str>,
    pub expiration: Option<Str>,
    pub message_id: Option<Str>,
    pub timestamp: Option<u64>,
    pub kind: Option<Str>,
    pub user_id: Option<Str>,
    pub app_id: Option<Str>,
    pub cluster_id: Option<Str>,
}

/// The bits that say which properties there are, in the order of the properties.
const CONTENT_TYPE: u16 = 1 << 15;
const CONTENT_ENCODING: u16 = 1 << 14;
const HEADERS: u16 = 1 << 13;
const DELIVERY_MODE: u16 = 1 << 12;
const PRIORITY: u16 = 1 << 11;
const CORRELATION_ID: u16 = 1 << 10;
const REPLY_TO: u16 = 1 << 9;
const EXPIRATION: u16 = 1 << 8;
const MESSAGE_ID: u16 = 1 << 7;
const TIMESTAMP: u16 = 1 << 6;
const KIND: u16 = 1 << 5;
const USER_ID: u16 = 1 << 4;
const APP_ID: u16 = 1 << 3;
const CLUSTER_ID: u16 = 1 << 2;

impl Content {
    /// The size of the body alone, which every header has before anything that can be wrong in it.
    ///
    /// # Errors
    /// What is no header at all.
    pub fn size(payload: &[u8]) -> Result<u64, WireError> {
        let mut fields = Fields(payload);
        fields.u32()?;
        fields.u64()
    }

    /// Reads the payload of a frame.
    ///
    /// # Errors
    /// What is wrong here is wrong with one message; the connection is still good.
    pub fn read(payload: &[u8]) -> Result<Self, WireError> {
        let mut fields = Fields(payload);
        fields.u32()?;
        let size = fields.u64()?;
        let flags = fields.u16()?;
        let mut said = |bit: u16, read: &mut dyn FnMut(&mut Fields<'_>) -> Result<(), WireError>| {
            if flags & bit == 0 { Ok(()) } else { read(&mut fields) }
        };
        let mut content = Self { size, ..Self::default() };
        let it = &mut content;
        let one = |to: &mut Option<Str>, fields: &mut Fields<'_>| fields.text().map(|value| *to = Some(value));
        said(CONTENT_TYPE, &mut |fields| one(&mut it.content_type, fields))?;
        said(CONTENT_ENCODING, &mut |fields| one(&mut it.content_encoding, fields))?;
        said(HEADERS, &mut |fields| table::read(fields).map(|headers| it.headers = Some(headers)))?;
        said(DELIVERY_MODE, &mut |fields| fields.u8().map(|mode| it.delivery_mode = Some(mode)))?;
        said(PRIORITY, &mut |fields| fields.u8().map(|priority| it.priority = Some(priority)))?;
        said(CORRELATION_ID, &mut |fields| one(&mut it.correlation_id, fields))?;
        said(REPLY_TO, &mut |fields| one(&mut it.reply_to, fields))?;
        said(EXPIRATION, &mut |fields| one(&mut it.expiration, fields))?;
        said(MESSAGE_ID, &mut |fields| one(&mut it.message_id, fields))?;
        said(TIMESTAMP, &mut |fields| fields.u64().map(|timestamp| it.timestamp = Some(timestamp)))?;
        said(KIND, &mut |fields| one(&mut it.kind, fields))?;
        said(USER_ID, &mut |fields| one(&mut it.user_id, fields))?;
        said(APP_ID, &mut |fields| one(&mut it.app_id, fields))?;
        said(CLUSTER_ID, &mut |fields| one(&mut it.cluster_id, fields))?;
        Ok(content)
    }

    fn write(&self, headers: &Dict, out: &mut Vec<u8>) -> Result<(), WireError> {
        out.extend([0, 60, 0, 0]);
        out.extend(self.size.to_be_bytes());
        let place = out.len();
        out.extend([0, 0]);
        let mut flags = HEADERS;
        let mut one = |out: &mut Vec<u8>, bit: u16, name: &str, value: &Option<Str>| match value {
            Some(value) => {
                flags |= bit;
                short(out, name, value.as_bytes())
            }
            None => Ok(()),
        };
        one(out, CONTENT_TYPE, "the content type", &self.content_type)?;
        one(out, CONTENT_ENCODING, "the content encoding", &self.content_encoding)?;
        table::write(out, headers)?;
        let mut numbers = 0;
        for (bit, value) in [(DELIVERY_MODE, self.delivery_mode), (PRIORITY, self.priority)] {
            if let Some(value) = value {
                numbers |= bit;
                out.push(value);
            }
        }
        one(out, CORRELATION_ID, "the correlation id", &self.correlation_id)?;
        one(out, REPLY_TO, "the queue for replies", &self.reply_to)?;
        one(out, EXPIRATION, "the expiration", &self.expiration)?;
        one(out, MESSAGE_ID, "the message's id", &self.message_id)?;
        if let Some(timestamp) = self.timestamp {
            numbers |= TIMESTAMP;
            out.extend(timestamp.to_be_bytes());
        }
        one(out, KIND, "the type", &self.kind)?;
        one(out, USER_ID, "the user", &self.user_id)?;
        one(out, APP_ID, "the application", &self.app_id)?;
        one(out, CLUSTER_ID, "the cluster", &self.cluster_id)?;
        out[place..place + 2].copy_from_slice(&(flags | numbers).to_be_bytes());
        Ok(())
    }
}

/// Appends a message, in as many frames as it takes.
///
/// # Errors
/// What cannot be encoded, and headers that do not fit in one frame; nothing is appended then.
pub fn publish(
    out: &mut Vec<u8>,
    (channel, frame_max): (u16, usize),
    (exchange, routing_key): (&str, &str),
    (content, headers): (&Content, &Dict),
    body: &[u8],
) -> Result<(), WireError> {
    let start = out.len();
    let method = frame(out, FrameKind::Method, channel, |out| {
        out.extend([0, 60, 0, 40, 0, 0]);
        short(out, "the name of an exchange", exchange.as_bytes())?;
        short(out, "a routing key", routing_key.as_bytes())?;
        out.push(0);
        Ok(())
    });
    let middle = out.len();
    let written = method
        .and_then(|()| frame(out, FrameKind::Header, channel, |out| content.write(headers, out)))
        .and_then(|()| match out.len() - middle {
            size if size <= frame_max => Ok(()),
            size => {
                let (size, max) = (size as u64, frame_max as u64);
                let message = format!("the headers have {size} bytes, where the broker takes {max}");
                Err(WireError::new(WireErrorKind::TooLarge { size, max }, message))
            }
        });
    if let Err(error) = written {
        out.truncate(start);
        return Err(error);
    }
    for part in body.chunks(frame_max - AROUND) {
        let Ok(()) = frame(out, FrameKind::Body, channel, |out| {
            out.extend(part);
            Ok::<(), Infallible>(())
        });
    }
    Ok(())
}

impl Content {
    /// A name that came with the message, as text.
    ///
    /// # Errors
    /// Where it is none.
    pub fn name(bytes: &[u8]) -> Result<Str, WireError> {
        text(bytes)
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::amqp::{Frame, next_frame};

    fn frames(bytes: &[u8], frame_max: usize) -> Vec<Frame> {
        let mut buffer = BytesMut::from(bytes);
        let mut frames = Vec::new();
        while let Some(frame) = next_frame(&mut buffer, frame_max).unwrap() {
            frames.push(frame);
        }
        assert!(buffer.is_empty());
        frames
    }

    fn full() -> Content {
        let text = |text: &str| Some(Str::from(text));
        Content {
            size: 10_000,
            content_type: text("application/json"),
            content_encoding: text("utf-8"),
            headers: None,
            delivery_mode: Some(2),
            priority: Some(9),
            correlation_id: text("id"),
            reply_to: text("answers"),
            expiration: text("1000"),
            message_id: text("m"),
            timestamp: Some(1 << 33),
            kind: text("k"),
            user_id: text("guest"),
            app_id: text("app"),
            cluster_id: text("c"),
        }
    }

    #[test]
    fn messages_come_back_as_they_went() {
        let mut headers = Dict::new();
        headers.insert("task", "tasks.add");
        for content in [full(), Content { size: 10_000, ..Content::default() }] {
            let mut out = Vec::new();
            publish(&mut out, (2, 4096), ("", "celery"), (&content, &headers), &[7; 10_000]).unwrap();
            let frames = frames(&out, 4096);
            assert_eq!(frames.len(), 5, "bodies are cut where frames end");
            let read = Content::read(&frames[1].payload).unwrap();
            assert_eq!(read, Content { headers: Some(headers.clone()), ..content });
            assert_eq!(Content::size(&frames[1].payload).unwrap(), 10_000);
            assert_eq!(frames[2..].iter().map(|frame| frame.payload.len()).sum::<usize>(), 10_000);
            for end in 12..frames[1].payload.len() {
                assert!(Content::read(&frames[1].payload[..end]).is_err());
            }
        }
    }

    #[test]
    fn headers_fit_in_a_frame_or_are_refused() {
        let mut headers = Dict::new();
        headers.insert("long", "x".repeat(5000));
        let mut out = vec![1];
        let error = publish(&mut out, (1, 4096), ("", "q"), (&full(), &headers), b"x").unwrap_err();
        assert!(error.to_string().contains("where the broker takes 4096"), "{error}");
        assert_eq!(out, [1]);
    }
}
