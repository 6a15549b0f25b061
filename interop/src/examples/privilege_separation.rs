//! `privilege-separation`: a server that may more than its clients, and one that may less.

use std::process::Command;

use salamander::prelude::*;

use super::Stage;

struct DmesgServer;

#[expose]
impl DmesgServer {
    #[blocking]
    fn dmesg(&self) -> Result<Vec<String>, Exception> {
        let output = Command::new("dmesg").args(["--nopager", "--level", "info"]).output()?;
        if !output.status.success() {
            let text = format!("couldn't run the dmesg command in the server: {}", output.status);
            return Err(Exception::new("builtins.OSError", text));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        Ok(lines[lines.len().saturating_sub(20)..].to_vec())
    }
}

/// What this server may not do, it has done by a process without rights.
struct RestrictedService;

#[expose]
impl RestrictedService {
    #[blocking]
    fn who_is_server(&self) -> Result<(u32, u32, String), Exception> {
        let id = |flag| as_nobody("id", &[flag]);
        Ok((id("-u")?.parse()?, id("-g")?.parse()?, id("-un")?))
    }

    #[blocking]
    fn write_file(&self) -> Result<(), Exception> {
        as_nobody("touch", &["dummy-test-file.bin"]).map(drop)
    }
}

/// Runs a program as the user `nobody`, who may write nothing here.
fn as_nobody(program: &str, arguments: &[&str]) -> Result<String, Exception> {
    let output = Command::new("setpriv")
        .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", program])
        .args(arguments)
        .output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Exception::new("builtins.PermissionError", text));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Serves the kernel's messages.
///
/// # Errors
/// Where there is no port.
pub async fn serve_elevated(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("dmesg", DmesgServer)?;
    daemon.spawn();
    Ok(uri)
}

/// Serves what is not allowed.
///
/// # Errors
/// Where there is no port.
pub async fn serve_restricted(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("restricted", RestrictedService)?;
    daemon.spawn();
    Ok(uri)
}
