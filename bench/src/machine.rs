//! The machine, the versions and the day, for the head of a section's results.

use std::fs::read_to_string;
use std::process::Command;

use crate::options::Options;

/// The head of the results.
pub fn describe(options: &Options) -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let (rounds, duration, _) = options.repeats();
    let python = "import sys, serpent, msgpack, Pyro5; print(f\"Python {sys.version.split()[0]}, Pyro5 {Pyro5.__version__}, \
                  serpent {serpent.__version__}, msgpack {'.'.join(map(str, msgpack.version))}\")";
    let memory = read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    format!(
        "Written by `{}` on {}, commit {}; do not edit. How to read this: `../README.md`.\n\n\
         - CPU: {} ({cpus} CPUs), memory {} GiB, load before the run {}\n\
         - Kernel: {}\n\
         - {}\n\
         - {}\n\
         - Each figure is the median of {rounds} rounds of {} s, the sides of a section in turn.\n",
        options.shown(),
        output("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        output("git", &["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"]),
        cpu_model(),
        memory.map_or(0, |kib| (kib + (1 << 19)) >> 20),
        read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or("?"),
        output("uname", &["-sr"]),
        output("rustc", &["--version"]),
        output(&options.python.to_string_lossy(), &["-c", python]),
        duration.as_secs_f64(),
    )
}

fn cpu_model() -> String {
    let info = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| format!("{program}: unknown"))
}
