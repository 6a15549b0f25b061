//! Brokers: our drivers by one contract, and beside Python's.
#![allow(clippy::unwrap_used)]

mod rabbitmq;
