//! The demonstration tasks: `tasks.add`, `tasks.mul`, `tasks.xsum`, `tasks.factorial`, `tasks.fibonacci`, `tasks.sleep`, `tasks.fail`
//! and `tasks.retry`.

use std::time::Duration;

use salamander::tasks::{AppBuilder, TaskContext};
use salamander::{BigInt, Exception, Value, task};

use super::arithmetic;

/// An application with these tasks.
pub(crate) fn with_tasks(app: AppBuilder) -> AppBuilder {
    app.task(add).task(mul).task(xsum).task(factorial).task(fibonacci).task(sleep).task(fail).task(retry)
}

/// `x + y`, as Python adds.
#[task(name = "tasks.add")]
async fn add(x: Value, y: Value) -> Result<Value, Exception> {
    arithmetic::add(x, y)
}

/// `x * y`, for numbers.
#[task(name = "tasks.mul")]
async fn mul(x: Value, y: Value) -> Result<Value, Exception> {
    arithmetic::mul(x, y)
}

/// The sum of a list.
#[task(name = "tasks.xsum")]
async fn xsum(numbers: Vec<Value>) -> Result<Value, Exception> {
    numbers.into_iter().try_fold(Value::Int(0), arithmetic::add)
}

/// `n!`
#[task(name = "tasks.factorial")]
fn factorial(n: i64) -> Result<Value, Exception> {
    let n = u64::try_from(n).map_err(|_| Exception::value_error("factorial() not defined for negative values"))?;
    Ok(product(1, n).into())
}

/// The product of all numbers from one to another. Factors of the same size multiply faster.
fn product(from: u64, to: u64) -> BigInt {
    if to < from {
        return BigInt::from(1);
    }
    if to - from < 16 {
        return (from..=to).fold(BigInt::from(1), |product, number| product * number);
    }
    let middle = from + (to - from) / 2;
    product(from, middle) * product(middle + 1, to)
}

/// The n-th number of Fibonacci's, of which the first two are 0 and 1.
#[task(name = "tasks.fibonacci")]
fn fibonacci(n: i64) -> Result<Value, Exception> {
    let n = u64::try_from(n).map_err(|_| Exception::value_error("there is no number before the first"))?;
    // From F(k) and F(k + 1) to twice as far, bit by bit.
    let (mut a, mut b) = (BigInt::from(0), BigInt::from(1));
    for bit in (0..u64::BITS - n.leading_zeros()).rev() {
        let double: BigInt = &a * (&b * 2 - &a);
        let next: BigInt = &a * &a + &b * &b;
        (a, b) = if n >> bit & 1 == 0 { (double, next) } else { (next.clone(), double + next) };
    }
    Ok(a.into())
}

/// Waits so many seconds, which it returns, and tells how far it is.
#[task(name = "tasks.sleep")]
async fn sleep(context: &TaskContext, seconds: Value) -> Result<Value, Exception> {
    let number = match &seconds {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        other => {
            let name = other.type_name();
            return Err(Exception::type_error(format!("'{name}' object cannot be interpreted as an integer")));
        }
    };
    let wait = Duration::try_from_secs_f64(number)
        .map_err(|_| Exception::value_error("sleep length must be non-negative"))?;
    let until = tokio::time::Instant::now() + wait;
    let steps = wait.as_secs_f64().ceil().clamp(1.0, 100.0) as u32;
    for step in 1..=steps {
        tokio::time::sleep_until(until - wait / steps * (steps - step)).await;
        context.check()?;
        if step < steps {
            context
                .progress(step.into(), steps.into())
                .map_err(|error| Exception::runtime_error(error.to_string()))?;
        }
    }
    Ok(seconds)
}

/// Raises a `ValueError`.
#[task(name = "tasks.fail")]
async fn fail(message: String) -> Result<(), Exception> {
    Err(Exception::value_error(message))
}

/// Asks to be retried so often; then it returns how often it was.
#[task(name = "tasks.retry", max_retries = None)]
async fn retry(context: &TaskContext, times: u32) -> Result<u32, Exception> {
    match context.retries() {
        retries if retries < times => Err(context.retry().countdown(0).into()),
        retries => Ok(retries),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact() {
        let factorials: Vec<String> = (0..6).map(|n| product(1, n).to_string()).collect();
        assert_eq!(factorials, ["1", "1", "2", "6", "24", "120"]);
        assert_eq!(product(1, 30), (1..=30u64).fold(BigInt::from(1), |product, number| product * number));
    }
}
