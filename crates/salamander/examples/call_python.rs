//! Calls an object in a Python program.
//!
//! `python crates/salamander/examples/call_python.py` serves it and prints how to call it:
//! `cargo run -p salamander --example call_python -- URI`

use std::collections::BTreeMap;

use salamander::prelude::*;

#[tokio::main]
async fn main() -> Result<()> {
    let Some(uri) = std::env::args().nth(1) else {
        println!("next: python crates/salamander/examples/call_python.py");
        println!("and then this once more, with the URI that it prints");
        return Ok(());
    };
    let text = Proxy::new(uri)?;

    let counts: BTreeMap<String, u32> = text.call("count_words", ("the cat and the dog",)).await?;
    println!("{counts:?}");

    // Arguments by keyword, and an attribute.
    let words: Vec<String> =
        text.request("split").arg("a-b-c").kwarg("separator", "-").send::<Vec<String>>().await?.value;
    println!("{words:?}, {} calls so far", text.get::<u32>("calls").await?);

    // A generator.
    let mut letters = text.stream::<String>("letters", ("abc",)).await?;
    while let Some(letter) = letters.next().await? {
        println!("{letter}");
    }

    // An exception, with the traceback from there.
    match text.call::<Value>("split", ("x", "")).await {
        Err(error) if error.is("ValueError") => {
            println!("{error}");
            let traceback = error.exception().map(|exception| exception.traceback().concat());
            println!("raised in {}", traceback.unwrap_or_default().matches("call_python.py").next().unwrap_or("?"));
        }
        other => println!("{other:?}"),
    }
    Ok(())
}
