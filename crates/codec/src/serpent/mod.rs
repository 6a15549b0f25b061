//! Serpent: Python literals as text, as the library `serpent` 1.43 writes them and `ast.literal_eval` reads them.

mod look;
mod number;
mod read;
#[cfg(test)]
mod tests;
mod text;
mod write;

pub(crate) use read::SerpentReader;
pub(crate) use write::SerpentWriter;

/// The line that the library puts before every value.
const HEADER: &str = "# serpent utf-8 python3.2\n";

/// How many brackets may be open at once when reading: Python's tokenizer allows no more.
const BRACKETS: usize = 200;
