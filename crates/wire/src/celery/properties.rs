//! [`Properties`]: what a message says beside its headers.

use salamander_value::{Dict, Result, Str, Value, Writer, write_value};

/// The properties of a message. What is not known, or of another type than it should be, is kept in `other`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Properties {
    /// Which request this belongs to; for a task, its id.
    pub correlation_id: Option<Str>,
    /// The queue that answers are to go to.
    pub reply_to: Option<Str>,
    /// 2 where the broker is to keep it on disk, 1 where not.
    pub delivery_mode: Option<u8>,
    /// What goes first.
    pub priority: Option<u8>,
    /// After how many milliseconds it is thrown away, as text.
    pub expiration: Option<Str>,
    /// The message's own id.
    pub message_id: Option<Str>,
    /// When it was made, in seconds since 1970.
    pub timestamp: Option<i64>,
    /// What kind of message it is (`type`).
    pub kind: Option<Str>,
    /// Which user it is from.
    pub user_id: Option<Str>,
    /// Which application it is from.
    pub app_id: Option<Str>,
    /// By which way it came, or is to go.
    pub delivery_info: DeliveryInfo,
    /// By which it is acknowledged, where that is text. RabbitMQ's numbers are its channels' and stand in no message.
    pub delivery_tag: Option<Str>,
    /// Everything else.
    pub other: Dict,
}

/// By which way a message came, or is to go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliveryInfo {
    /// The exchange; empty for the one that leads to the queue of the routing key.
    pub exchange: Str,
    /// The routing key.
    pub routing_key: Str,
    /// Whether it has been delivered before.
    pub redelivered: bool,
    /// Everything else.
    pub other: Dict,
}

impl Properties {
    /// Puts a property in its place, by its name in kombu.
    pub fn put(&mut self, name: &str, value: Value) {
        let text = match name {
            "correlation_id" => &mut self.correlation_id,
            "reply_to" => &mut self.reply_to,
            "expiration" => &mut self.expiration,
            "message_id" => &mut self.message_id,
            "type" => &mut self.kind,
            "user_id" => &mut self.user_id,
            "app_id" => &mut self.app_id,
            "delivery_tag" => &mut self.delivery_tag,
            _ => return self.put_other(name, value),
        };
        match value {
            Value::Str(value) => *text = Some(value),
            // A dict of Python's has no other way to say that there is none.
            Value::None => *text = None,
            value => _ = self.other.insert(name, value),
        }
    }

    fn put_other(&mut self, name: &str, value: Value) {
        let small = |value: &Value| match value {
            Value::Int(number) => u8::try_from(*number).ok(),
            _ => None,
        };
        match (name, value) {
            ("delivery_mode" | "priority" | "timestamp" | "body_encoding", Value::None) => {}
            ("delivery_info", Value::Dict(info)) => self.delivery_info = DeliveryInfo::from_dict(*info),
            ("delivery_info", Value::None) => {}
            ("timestamp", Value::Int(seconds)) => self.timestamp = Some(seconds),
            ("delivery_mode", value) if small(&value).is_some() => self.delivery_mode = small(&value),
            ("priority", value) if small(&value).is_some() => self.priority = small(&value),
            (_, value) => _ = self.other.insert(name, value),
        }
    }

    /// All of them as kombu has them in a dict, without the encoding of the body.
    pub fn to_dict(&self) -> Dict {
        let mut writer = salamander_value::ValueWriter::default();
        let written = self.write(&mut writer, None).and_then(|()| writer.into_value());
        // Text keys are always hashable, so that there is nothing that could fail.
        match written {
            Ok(Value::Dict(dict)) => *dict,
            _ => Dict::new(),
        }
    }

    pub(super) fn write<W: Writer + ?Sized>(&self, writer: &mut W, body_encoding: Option<&str>) -> Result<()> {
        let texts = [
            ("correlation_id", &self.correlation_id),
            ("reply_to", &self.reply_to),
            ("expiration", &self.expiration),
            ("message_id", &self.message_id),
            ("type", &self.kind),
            ("user_id", &self.user_id),
            ("app_id", &self.app_id),
            ("delivery_tag", &self.delivery_tag),
        ];
        let numbers = [
            ("delivery_mode", self.delivery_mode.map(i64::from)),
            ("priority", self.priority.map(i64::from)),
            ("timestamp", self.timestamp),
        ];
        let known = texts.iter().filter(|(_, text)| text.is_some()).count()
            + numbers.iter().filter(|(_, number)| number.is_some()).count();
        writer.begin_dict(Some(known + 1 + usize::from(body_encoding.is_some()) + self.other.len()))?;
        for (name, text) in texts {
            if let Some(text) = text {
                writer.str(name)?;
                writer.str(text)?;
            }
        }
        for (name, number) in numbers {
            if let Some(number) = number {
                writer.str(name)?;
                writer.int(number)?;
            }
        }
        writer.str("delivery_info")?;
        self.delivery_info.write(writer)?;
        if let Some(encoding) = body_encoding {
            writer.str("body_encoding")?;
            writer.str(encoding)?;
        }
        write_entries(&self.other, writer)?;
        writer.end()
    }
}

impl From<Dict> for Properties {
    fn from(dict: Dict) -> Self {
        let mut properties = Self::default();
        for (name, value) in dict {
            match name {
                Value::Str(name) => properties.put(&name, value),
                name => _ = properties.other.insert_value(name, value),
            }
        }
        properties
    }
}

impl DeliveryInfo {
    /// To a queue by its name, or to whatever the exchange makes of a routing key.
    pub fn new(exchange: impl Into<Str>, routing_key: impl Into<Str>) -> Self {
        Self { exchange: exchange.into(), routing_key: routing_key.into(), redelivered: false, other: Dict::new() }
    }

    fn from_dict(dict: Dict) -> Self {
        let mut info = Self::default();
        for (name, value) in dict {
            match (name.as_str(), value) {
                (Some("exchange"), Value::Str(exchange)) => info.exchange = exchange,
                (Some("routing_key"), Value::Str(key)) => info.routing_key = key,
                (Some("exchange" | "routing_key"), Value::None) => {}
                (Some("redelivered"), Value::Bool(redelivered)) => info.redelivered = redelivered,
                (_, value) => _ = info.other.insert_value(name, value),
            }
        }
        info
    }

    fn write<W: Writer + ?Sized>(&self, writer: &mut W) -> Result<()> {
        writer.begin_dict(Some(2 + usize::from(self.redelivered) + self.other.len()))?;
        writer.str("exchange")?;
        writer.str(&self.exchange)?;
        writer.str("routing_key")?;
        writer.str(&self.routing_key)?;
        if self.redelivered {
            writer.str("redelivered")?;
            writer.bool(true)?;
        }
        write_entries(&self.other, writer)?;
        writer.end()
    }
}

pub(super) fn write_entries<W: Writer + ?Sized>(dict: &Dict, writer: &mut W) -> Result<()> {
    for (key, value) in dict.iter() {
        write_value(key, writer)?;
        write_value(value, writer)?;
    }
    Ok(())
}
