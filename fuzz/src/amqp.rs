//! The target of AMQP's frames.

use bytes::BytesMut;
use salamander_value::Dict;
use salamander_wire::WireErrorKind;
use salamander_wire::amqp::{Content, Frame, FrameKind, Method, next_frame, publish};

/// How large frames may be.
const FRAME_MAX: usize = 1 << 16;

/// What a server sends, after the sizes of reads as in `wire`. However the stream is split, the same frames come out of it and the same
/// error; no frame is larger than was agreed upon; methods and headers are read or refused; and headers come back as they were when they are
/// written with a body.
pub fn amqp(data: &[u8]) {
    let Some((&count, data)) = data.split_first() else { return };
    let Some((sizes, stream)) = data.split_at_checked(usize::from(count % 8)) else { return };
    let (frames, ended) = received(stream, &[]);
    assert!((frames.clone(), ended) == received(stream, sizes), "something else where it comes in pieces");
    for frame in &frames {
        assert!(frame.payload.len() <= FRAME_MAX, "a frame of {} bytes", frame.payload.len());
        match frame.kind {
            FrameKind::Method => _ = Method::read(&frame.payload),
            FrameKind::Header => header(&frame.payload),
            FrameKind::Body | FrameKind::Heartbeat => {}
        }
    }
}

/// The frames of a stream that comes in reads of these sizes, and what ended it.
fn received(stream: &[u8], sizes: &[u8]) -> (Vec<Frame>, Option<WireErrorKind>) {
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for read in super::reads(stream, sizes) {
        buffer.extend_from_slice(read);
        loop {
            let before = buffer.capacity();
            match next_frame(&mut buffer, FRAME_MAX) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error.kind())),
            }
            assert!(buffer.capacity() <= before, "a buffer grows ahead of what has come");
        }
    }
    (frames, None)
}

fn header(payload: &[u8]) {
    let size = Content::size(payload);
    let Ok(mut content) = Content::read(payload) else { return };
    assert_eq!(size, Ok(content.size), "the size is that of the body");
    let headers = content.headers.take().unwrap_or_else(Dict::new);
    let mut out = Vec::new();
    if publish(&mut out, (1, FRAME_MAX), ("exchange", "key"), (&content, &headers), b"body").is_err() {
        assert!(out.is_empty(), "what is refused leaves nothing");
        return;
    }
    let (frames, ended) = received(&out, &[]);
    assert!(ended.is_none() && frames.len() == 3, "what was written is a method, a header and a body");
    content.headers = Some(headers);
    // NaN is not equal to itself, so texts are compared.
    let again = Content::read(&frames[1].payload).map(|again| format!("{again:?}"));
    assert_eq!(again, Ok(format!("{content:?}")));
}
