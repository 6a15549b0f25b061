//! A typed proxy: a trait says what the remote object has, and the compiler checks the calls.
//!
//! `cargo run -p salamander --example typed` serves the object, the same with a URI calls it, and so does `typed.py`.

use salamander::prelude::*;
use serde::{Deserialize, Serialize};

/// Any type that serde can read and write travels; to Python it is a dict.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Article {
    name: String,
    price: f64,
}

/// `CatalogueProxy` is made of this, and `CatalogueBlockingProxy`.
#[proxy]
trait Catalogue {
    async fn find(&self, name: &str) -> Result<Option<Article>>;
    async fn add(&self, article: Article) -> Result<usize>;
    #[stream]
    async fn all(&self) -> Result<Article>;
    #[property]
    async fn title(&self) -> Result<String>;
}

#[derive(Default)]
struct Server {
    articles: Vec<Article>,
}

#[expose]
impl Server {
    fn find(&self, name: String) -> Option<Article> {
        self.articles.iter().find(|article| article.name == name).cloned()
    }

    fn add(&mut self, article: Article) -> usize {
        self.articles.push(article);
        self.articles.len()
    }

    fn all(&self) -> impl Iterator<Item = Article> + use<> {
        self.articles.clone().into_iter()
    }

    #[property]
    fn title(&self) -> &'static str {
        "Spring catalogue"
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    match std::env::args().nth(1) {
        Some(uri) => call(&uri).await,
        None => serve().await,
    }
}

async fn serve() -> Result<()> {
    let daemon = Daemon::bind("localhost:0").await?;
    let uri = daemon.register("example.catalogue", Server::default())?;
    println!("next: python crates/salamander/examples/typed.py {uri}");
    daemon.serve().await
}

async fn call(uri: &str) -> Result<()> {
    let catalogue = CatalogueProxy::from(Proxy::new(uri)?);
    println!("{}", catalogue.title().await?);
    catalogue.add(Article { name: "tea".to_owned(), price: 2.5 }).await?;
    catalogue.add(Article { name: "coffee".to_owned(), price: 5.0 }).await?;
    let tea = catalogue.find("tea").await?;
    println!("{}", tea.map_or(0.0, |tea| tea.price));
    println!("{}", catalogue.find("milk").await?.is_none());
    for article in catalogue.all().await?.collect().await? {
        println!("{} {}", article.name, article.price);
    }
    Ok(())
}
