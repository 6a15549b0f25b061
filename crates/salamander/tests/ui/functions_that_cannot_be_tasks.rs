use salamander_macros::task;

#[task(max_retry = 3)]
fn misspelled() {}

#[task(bind = true)]
fn bound() {}

#[task(rate_limit = "10/d")]
fn daily() {}

#[task(serializer = "xml")]
fn in_xml() {}

#[task(autoretry_for = "ValueError")]
fn retried() {}

#[task(priority = 1, priority = 2)]
fn twice() {}

#[task(name = "")]
fn nameless() {}

#[task(retry_kwargs(eta = 3))]
fn later() {}

#[task]
fn many() -> impl Iterator<Item = u32> {
    0..3
}

#[task]
fn changed(state: &mut State<u32>) {}

#[task]
fn any<T>(value: T) {}

type Outcome<T> = std::result::Result<T, String>;

#[task]
fn otherwise() -> Outcome<u32> {
    Ok(3)
}

#[task]
struct NoFunction;

fn main() {}
