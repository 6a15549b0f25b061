//! What brokers differ in.

/// What a broker can do beyond the base. The contract suite shows each that is said here, and that the others are refused or
/// have no effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Messages survive a restart of the broker.
    pub durable: bool,
    /// What a consumer held that died is delivered again.
    pub redelivery: bool,
    /// It is known of a delivery how often it was delivered before.
    pub counts_deliveries: bool,
    /// Messages of a higher priority are delivered first. How many priorities there are.
    pub priorities: u8,
    /// In what order: with RabbitMQ greater numbers are more urgent, with Redis smaller ones, as kombu has it.
    pub greater_is_more_urgent: bool,
    /// Messages can be delivered later.
    pub delay: bool,
    /// Exchanges that bind by patterns.
    pub topic: bool,
    /// Exchanges that deliver to all.
    pub fanout: bool,
    /// Messages that wait too long are thrown away by the broker itself.
    pub message_ttl: bool,
    /// Queues are removed by themselves when nobody has used them for some time.
    pub queue_ttl: bool,
}
