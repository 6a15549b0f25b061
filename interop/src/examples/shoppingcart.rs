//! `shoppingcart`: carts that customers fill and that stay in the shop.

use std::collections::BTreeMap;

use salamander::prelude::*;
use salamander::{DaemonHandle, Remote};

use super::Stage;

const INVENTORY: [(&str, f64); 13] = [
    ("paper", 1.25),
    ("bread", 1.50),
    ("meat", 5.99),
    ("milk", 0.80),
    ("fruit", 2.65),
    ("chocolate", 3.99),
    ("pasta", 0.50),
    ("sauce", 1.20),
    ("vegetables", 1.40),
    ("cookies", 1.99),
    ("pizza", 3.60),
    ("shampoo", 2.22),
    ("whiskey", 24.99),
];

#[derive(Default)]
struct ShoppingCart(Vec<String>);

#[expose]
impl ShoppingCart {
    fn purchase(&mut self, item: String) {
        self.0.push(item);
    }

    fn empty(&mut self) {
        self.0.clear();
    }

    #[name("getContents")]
    fn get_contents(&self) -> Vec<String> {
        self.0.clone()
    }
}

struct Shop {
    daemon: DaemonHandle,
    customers: BTreeMap<String, Remote<ShoppingCart>>,
}

impl Shop {
    fn cart(&self, name: &str) -> Result<&Remote<ShoppingCart>, Exception> {
        self.customers.get(name).ok_or_else(|| Exception::key_error(name))
    }
}

fn receipt(cart: &mut ShoppingCart, name: Option<&str>) -> String {
    let mut lines: Vec<String> = name.into_iter().map(|name| format!("Receipt for {name}.")).collect();
    let mut total = 0.0;
    for item in cart.0.drain(..) {
        let price = INVENTORY.iter().find(|(name, _)| *name == item).map_or(0.0, |(_, price)| *price);
        total += price;
        lines.push(format!("{item:>13}  {price:.2}"));
    }
    lines.push(format!("\n{:>13}  {total:.2}", "total:"));
    lines.join("\n")
}

#[expose]
impl Shop {
    fn enter(&mut self, name: String) -> Result<Remote<ShoppingCart>> {
        let cart = self.daemon.share(ShoppingCart::default())?;
        self.customers.insert(name, cart.clone());
        Ok(cart)
    }

    fn customers(&self) -> Vec<String> {
        self.customers.keys().cloned().collect()
    }

    fn goods(&self) -> BTreeMap<&'static str, f64> {
        INVENTORY.into_iter().collect()
    }

    #[name("payByName")]
    async fn pay_by_name(&self, name: String) -> Result<String, Exception> {
        let cart = self.cart(&name)?.object().clone();
        Ok(receipt(&mut *cart.get_mut().await, Some(&name)))
    }

    /// The cart comes home as the object that it is.
    #[name("payCart")]
    async fn pay_cart(&self, cart: Proxy, name: Option<String>) -> Result<String, Exception> {
        let cart = self.daemon.object::<ShoppingCart>(cart.uri());
        let cart = cart.ok_or_else(|| Exception::value_error("this cart is not ours"))?;
        Ok(receipt(&mut *cart.get_mut().await, name.as_deref()))
    }

    async fn leave(&mut self, name: String) -> Result<(), Exception> {
        let cart = self.cart(&name)?.clone();
        if !cart.object().get().await.0.is_empty() {
            return Err(Exception::new("builtins.Exception", "attempt to steal a full cart prevented"));
        }
        self.customers.remove(&name);
        self.daemon.unregister(cart.uri().object());
        Ok(())
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let shop = Shop { daemon: daemon.handle(), customers: BTreeMap::new() };
    let uri = daemon.register("example.shop", shop)?;
    stage.names().await?.register("example.shop", &uri).await?;
    daemon.spawn();
    Ok(uri)
}
