//! Celery's messages.

use bytes::Bytes;
use salamander_value::read_value;
use salamander_wire::celery::{
    Accept, Command, Compression, Decoding, Message, Reply, ResultMeta, Serializer, TaskMessage, settings,
};

/// How large bodies may be.
const MAX_SIZE: usize = 1 << 20;

fn decoding() -> Option<Decoding> {
    let mut decoding = Decoding::default().accepting(Accept::new(["json", "msgpack", "yaml", "pickle"]).ok()?);
    decoding.max_size = MAX_SIZE;
    Some(decoding)
}

/// A message that was read is read the same when it has been written again.
pub(crate) fn envelope(data: &[u8]) {
    let Ok(message) = Message::from_envelope(&Bytes::copy_from_slice(data)) else { return };
    // A dict that names a type twice is one as long as it is not written again.
    let typed = data.windows(6).any(|part| part == b"__type" || part == b"\\u005f");
    if let Ok(written) = message.to_envelope()
        && !typed
    {
        let again = Message::from_envelope(&written);
        // NaN is not equal to itself, so texts are compared.
        assert_eq!(again.map(|again| format!("{again:?}")), Ok(format!("{message:?}")));
    }
    read(message);
}

/// The second half of the first byte says how the body is compressed, the first half by which serializer it is encoded.
pub(crate) fn body(data: &[u8]) {
    let Some((&how, body)) = data.split_first() else { return };
    let serializers = [Serializer::Json, Serializer::Msgpack, Serializer::Yaml, Serializer::Pickle];
    let mut message = Message::new(Bytes::copy_from_slice(body), serializers[usize::from(how >> 4) % 4]);
    if let Some(compression) = Compression::ALL.get(usize::from(how & 7)) {
        message.headers.insert("compression", compression.content_type());
    }
    read(message.clone());
    message.headers.insert("task", "tasks.add");
    message.headers.insert("id", "1");
    read(message);
}

/// The message as whatever it may be. What a task carries is no larger than it may be, and is written again.
fn read(message: Message) {
    let Some(decoding) = decoding() else { return };
    let _ = Command::from_message(&message, &decoding);
    let _ = Reply::from_message(&message, &decoding);
    if let Ok(meta) = ResultMeta::from_message(&message, &decoding) {
        let _ = meta.encode(Serializer::Json, &decoding.settings);
    }
    let Ok(task) = TaskMessage::from_message(message, &decoding) else { return };
    let settings = settings();
    if let Ok(mut reader) = task.body.arguments(&settings) {
        let _ = read_value(&mut reader).and_then(|_| read_value(&mut reader));
    }
    let _ = task.body.decode(&settings);
    let _ = task.body.embed(&settings);
    let again = TaskMessage::from_message(task.clone().into_message(), &decoding);
    assert!(again.is_ok_and(|again| format!("{:?}", again.headers) == format!("{:?}", task.headers)));
}
