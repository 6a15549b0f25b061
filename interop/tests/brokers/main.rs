//! Brokers: our drivers by one contract, and beside Python's.
#![allow(clippy::unwrap_used)]

mod embedded;
mod kombu;
mod rabbitmq;
mod redis;
