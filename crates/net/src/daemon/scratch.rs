//! Buffers that connections borrow while they have something to do, so that idle ones hold none.

use std::cell::RefCell;

use bytes::BytesMut;
use salamander_codec::Output;

use crate::stream::READ_ROOM;

/// Buffers that a thread keeps for the next connection.
const KEPT: usize = 4;

/// Input buffers larger than this are given back to the system.
const KEEP_INPUT: usize = 2 * 1024 * 1024;

thread_local! {
    static INPUTS: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
    static OUTPUTS: RefCell<Vec<Output>> = const { RefCell::new(Vec::new()) };
}

/// A buffer with room for a read.
pub(super) fn input() -> BytesMut {
    INPUTS.with_borrow_mut(Vec::pop).unwrap_or_else(|| BytesMut::with_capacity(READ_ROOM))
}

/// Takes an empty buffer back.
pub(super) fn give_input(buffer: &mut BytesMut) {
    let buffer = std::mem::take(buffer);
    if buffer.is_empty() && buffer.capacity() > 0 && buffer.capacity() <= KEEP_INPUT {
        INPUTS.with_borrow_mut(|inputs| {
            if inputs.len() < KEPT {
                inputs.push(buffer);
            }
        });
    }
}

pub(super) fn output() -> Output {
    OUTPUTS.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Takes an empty output back.
pub(super) fn give_output(output: &mut Output) {
    let output = std::mem::take(output);
    if output.total_len() == 0 && output.capacity() > 0 {
        OUTPUTS.with_borrow_mut(|outputs| {
            if outputs.len() < KEPT {
                outputs.push(output);
            }
        });
    }
}
