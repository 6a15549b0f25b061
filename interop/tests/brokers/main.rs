//! Brokers: our drivers by one contract, and beside Python's.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod embedded;
mod kombu;
mod rabbitmq;
mod redis;
