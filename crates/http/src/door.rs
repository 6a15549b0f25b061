//! The gateway on a daemon's own port.

use std::future::Future;
use std::pin::Pin;

use salamander_net::{Client, Door, Recognised};

use crate::Gateway;
use crate::server::serve;

/// How requests begin: with a method and a space.
const METHODS: [&str; 9] = ["GET ", "POST ", "OPTIONS ", "HEAD ", "PUT ", "DELETE ", "PATCH ", "TRACE ", "CONNECT "];

/// With [`Builder::door`](salamander_net::Builder::door) a daemon answers HTTP requests on its own port.
impl Door for Gateway {
    fn name(&self) -> &'static str {
        "HTTP"
    }

    fn recognise(&self, first: &[u8]) -> Recognised {
        let mut recognised = Recognised::No;
        for method in METHODS {
            match Recognised::prefix(first, method.as_bytes()) {
                Recognised::No => {}
                found => recognised = found,
            }
        }
        recognised
    }

    fn serve(&self, client: Client) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let gateway = self.clone();
        let daemon = client.daemon().clone();
        Box::pin(async move {
            let stopping = gateway.stopping().child_token();
            let refused = client.is_refused();
            let served = serve(client, stopping.clone(), |request| {
                let gateway = gateway.clone();
                async move { if refused { gateway.busy() } else { gateway.respond(request).await } }
            });
            let mut served = std::pin::pin!(served);
            let done = tokio::select! {
                done = served.as_mut() => done,
                () = daemon.stopping() => {
                    stopping.cancel();
                    served.await
                }
            };
            if let Err(error) = done {
                tracing::debug!("an HTTP client: {error}");
            }
        })
    }
}
