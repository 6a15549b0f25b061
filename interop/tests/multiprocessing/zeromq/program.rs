//! `salamander up` and pyzmq's clients.
