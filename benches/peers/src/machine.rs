//! Where and of what figures are: processor, kernel, commit, memory.

use std::process::Command;

/// The lines that head a page.
pub fn heading() -> Vec<(&'static str, String)> {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let huge = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
    let shared = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/shmem_enabled").unwrap_or_default();
    vec![
        ("processor", format!("{cpus} × {}", model.map_or("unknown", |(_, model)| model.trim()))),
        ("memory", format!("{:.1} GiB", kibibytes("/proc/meminfo", "MemTotal:") as f64 / (1 << 20) as f64)),
        ("kernel", kernel.trim().to_owned()),
        ("transparent huge pages", format!("{}; for shared memory {}", huge.trim(), shared.trim())),
        ("commit", output("git", &["describe", "--always", "--dirty"])),
        ("compiler", output("rustc", &["--version"])),
        ("command", command()),
    ]
}

/// The most memory this process had mapped at once, in octets, file pages included.
pub fn peak_octets() -> u64 {
    kibibytes("/proc/self/status", "VmHWM:") << 10
}

/// A number of kibibytes in a file of the kernel's.
fn kibibytes(path: &str, field: &str) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse().ok());
    value.unwrap_or(0)
}

/// What a program prints.
pub fn output(program: &str, arguments: &[&str]) -> String {
    let folder = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    output.map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// How this was started, from the project's folder.
fn command() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo run --release --manifest-path benches/peers/Cargo.toml -- {}", arguments.join(" "))
}
