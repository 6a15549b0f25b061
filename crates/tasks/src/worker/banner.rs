//! What a worker says when it starts.

use std::fmt::Write;

use super::Shared;
use crate::broker::Queue;

/// The lines that a user of Celery knows, drawn in our own way.
pub(super) fn banner(shared: &Shared, queues: &[Queue]) -> String {
    let results = shared.app.backend().map_or_else(|| "disabled://".to_owned(), |backend| backend.url());
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut line = |line: std::fmt::Arguments<'_>| _ = writeln!(text, "{line}");
    line(format_args!(" -------------- {} v{} (salamander)", shared.name, env!("CARGO_PKG_VERSION")));
    line(format_args!("--- **** -----"));
    line(format_args!("-- ******* ---- [config]"));
    line(format_args!("- *** --- * --- .> app:         {}", shared.app_name()));
    line(format_args!("- ** ---------- .> transport:   {}", shared.app.broker().url()));
    line(format_args!("- ** ---------- .> results:     {results}"));
    line(format_args!("- *** --- * --- .> concurrency: {} ({})", shared.concurrency, shared.pool));
    line(format_args!("-- ******* ---- .> task events: OFF"));
    line(format_args!("--- ***** -----"));
    line(format_args!(" -------------- [queues]"));
    for queue in queues {
        let Queue { name, exchange, routing_key, .. } = queue;
        let kind = exchange.kind.name();
        line(format_args!("                .> {name:<16} exchange={}({kind}) key={routing_key}", exchange.name));
    }
    line(format_args!("\n[tasks]"));
    for name in shared.names() {
        line(format_args!("  . {name}"));
    }
    text
}
