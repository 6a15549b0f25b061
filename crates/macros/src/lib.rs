//! The attributes of Salamander: `#[expose]` on an `impl` block, `#[task]` on a function, `#[proxy]` on a trait, `#[class]` on a struct.
//! They parse and render; what the rendered code calls is ordinary code of the other crates.

mod attrs;
mod class;
mod expose;
mod proxy;
mod returns;
mod schema;
mod task;

use proc_macro::TokenStream;

/// Makes the methods of an `impl` block callable from elsewhere, or a function.
///
/// A function becomes a type of its name, which `DaemonHandle::register_fn` takes; it can still be called as what it was: `add(2, 3)`,
/// or `add.call(2, 3)` where it is async. Its name is a constant then, which no variable of the same module can have. What follows is for functions too, as far as it makes sense there.
///
/// Every method with `&self` or `&mut self` is exposed, but for those whose name begins with an underscore and those
/// marked `#[unexposed]`. Functions without `self` are left alone. On methods:
///
/// - `#[oneway]`: clients do not wait for it.
/// - `#[blocking]`: it blocks, and so runs on a thread of its own.
/// - `#[property]`: it is read as an attribute; `#[setter]` on `set_NAME` sets the attribute.
/// - `#[name("...")]`: the name that clients know it by.
/// - `#[unexposed]`: it is not exposed.
///
/// On parameters: `#[default(expression)]` for one that may be left out (an `Option` may be without it, and is then
/// `None`), `#[args]` for a `Vec` of all further positional arguments, `#[kwargs]` for a map of all further keyword
/// arguments. A parameter of the type `&CallContext` gets the context of the call, one with `#[context]` what its type, which
/// implements `FromContext`, finds there.
///
/// A method that returns a `Result` raises its error in the caller; any error that becomes an `Exception` will do. One that
/// returns `impl Iterator` or `impl Stream` gives an item stream.
#[proc_macro_attribute]
pub fn expose(attr: TokenStream, item: TokenStream) -> TokenStream {
    expose::expand(attr.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a struct an instance of a Python class on its way: it travels as the dict of its fields, with the name of the class as
/// `__class__`, and is read only from an instance of that class.
///
/// serde's attributes may stand on the fields. With `exception`, and `Display`, it can be the error of a method: its text is the argument
/// and its fields are the attributes of the exception.
#[proc_macro_attribute]
pub fn class(attr: TokenStream, item: TokenStream) -> TokenStream {
    class::expand(attr.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a typed proxy of a trait: `trait Greeter` becomes the struct `GreeterProxy`, with a constructor from `Proxy` and
/// the trait's methods, each of which calls the remote method of its name.
///
/// Methods are written `async fn NAME(&self, ...) -> Result<T>`. On them: `#[name("...")]`, `#[oneway]` (returns when the call
/// is sent), `#[property]` and `#[setter]` (on `set_NAME`), `#[stream]` (the result is an item stream of `T`).
#[proc_macro_attribute]
pub fn proxy(attr: TokenStream, item: TokenStream) -> TokenStream {
    proxy::expand(attr.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a function a task: it can be put on a queue, and workers run it.
///
/// It becomes a type of its name, as `#[expose]` makes of a function, and can be registered with a daemon as well. It may be async; a
/// plain function runs where the worker reads, so one that blocks says `#[blocking]`. Parameters are as those of exposed functions; and
///
/// - one of the type `&TaskContext` or `TaskContext` gets the context of the task (Celery's `bind=True`),
/// - one of the type `State<T>` gets what the application was given of this type.
///
/// The result is of a type that serde can write and read. What the function returns as an error is what the task raises; `Retry`, `Ignore` and
/// `Reject` say something to the worker instead.
///
/// In parentheses, by Celery's names: `name` (the last module's name and the function's where it is left out: `add` in `shop::tasks`
/// is `tasks.add`), `max_retries` (a number, or `None` for ever), `default_retry_delay`, `autoretry_for` and `dont_autoretry_for` (names of
/// classes: `["ValueError"]`), `retry_kwargs(max_retries = 5, countdown = 2)`, `retry_backoff` (`true`, or the seconds it begins
/// with), `retry_backoff_max`, `retry_jitter`, `rate_limit` (`"10/m"`), `time_limit`, `soft_time_limit`, `acks_late`,
/// `acks_on_failure_or_timeout`, `acks_on_failure`, `acks_on_timeout`, `reject_on_worker_lost`, `track_started`, `ignore_result`,
/// `store_errors_even_if_ignored`, `typing` (whether arguments are checked when they are sent), `serializer`, `compression`, `priority`,
/// `queue`, `exchange`, `routing_key`, `expires`. Times are seconds, or a `Duration`.
#[proc_macro_attribute]
pub fn task(attr: TokenStream, item: TokenStream) -> TokenStream {
    task::expand(attr.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
