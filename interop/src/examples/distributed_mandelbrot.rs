//! `distributed-mandelbrot`: a picture of which each server computes some lines.

use salamander::Complex;
use salamander::prelude::*;

use super::Stage;

const MAX_ITERATIONS: u32 = 500;

struct Mandelbrot;

#[expose]
impl Mandelbrot {
    fn calc_line(&self, start: Complex, res_x: usize, ii: f64, dr: f64, line_nr: i64) -> (i64, String) {
        let (mut re, im) = (start.re, start.im + ii);
        let line = (0..res_x).map(|_| {
            re += dr;
            match iterations(re, im) {
                MAX_ITERATIONS => ' ',
                count => char::from_u32(count % 64 + 32).unwrap_or('?'),
            }
        });
        (line_nr, line.collect())
    }
}

fn iterations(re: f64, im: f64) -> u32 {
    let (mut x, mut y) = (re, im);
    for count in 0..MAX_ITERATIONS {
        if x.hypot(y) > 2.0 {
            return count;
        }
        (x, y) = (x * x - y * y + re, 2.0 * x * y + im);
    }
    MAX_ITERATIONS
}

/// Serves one server of this number.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage, number: usize) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register_anonymous(Mandelbrot)?;
    let name = format!("mandelbrot_{number}");
    stage.names().await?.register_with(&name, &uri, true, ["class:mandelbrot_calc"]).await?;
    daemon.spawn();
    Ok(uri)
}
