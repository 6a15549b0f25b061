//! A real browser without a window: Chromium, driven over its debugging pipe.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How long one thing may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one page, which ends with this.
pub struct Browser {
    _child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    last: u64,
    session: String,
    profile: std::path::PathBuf,
    /// What the page complained of: errors in its scripts, and what its policy forbade.
    pub complaints: Vec<String>,
}

/// The browser that `SALAMANDER_CHROMIUM` names, or that is on the path.
fn program() -> Option<std::path::PathBuf> {
    if let Some(named) = std::env::var_os("SALAMANDER_CHROMIUM") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).find(|file| file.exists())
}

impl Browser {
    /// Starts one; none where there is no browser here.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start() -> Option<Self> {
        let program = program()?;
        let profile = std::env::temp_dir().join(format!(
            "salamander-browser-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        // It talks over the descriptors 3 and 4.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"]).arg(program);
        // The sandbox needs rights that a container has not; what is shown are our own pages.
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-extensions", "--remote-debugging-pipe"]);
        command.arg(format!("--user-data-dir={}", profile.display())).arg("about:blank");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the browser starts");
        let (to, from) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let (from, session) = (BufReader::new(from), String::new());
        let mut browser = Self { _child: child, to, from, last: 0, session, profile, complaints: Vec::new() };
        let page = loop {
            let targets = browser.tell("Target.getTargets", json!({})).await;
            let targets = targets["targetInfos"].as_array().cloned().unwrap_or_default();
            if let Some(page) = targets.into_iter().find(|target| target["type"] == "page") {
                break page["targetId"].clone();
            }
        };
        let attached = browser.tell("Target.attachToTarget", json!({"targetId": page, "flatten": true})).await;
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Log"] {
            browser.tell(&format!("{domain}.enable"), json!({})).await;
        }
        Some(browser)
    }

    /// Tells the browser something in its own protocol, and gives what it answers.
    ///
    /// # Panics
    /// Where it refuses.
    pub async fn tell(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).await.expect("the browser listens");
        loop {
            let mut answer = Vec::new();
            let read = tokio::time::timeout(PATIENCE, self.from.read_until(0, &mut answer)).await;
            let count = read.unwrap_or_else(|_| panic!("{method} is answered")).expect("the browser answers");
            assert!(count > 0, "the browser has ended");
            answer.pop();
            let answer: Value = serde_json::from_slice(&answer).expect("the browser speaks JSON");
            if answer["id"] == self.last {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            self.heard(&answer);
        }
    }

    fn heard(&mut self, event: &Value) {
        let params = &event["params"];
        let complaint = match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => &params["exceptionDetails"],
            // That an answer has the status 500 is what some tests are after.
            Some("Log.entryAdded") if params["entry"]["source"] != "network" => &params["entry"],
            Some("Page.javascriptDialogOpening") => params,
            _ => return,
        };
        self.complaints.push(complaint.to_string());
    }

    /// Goes to a page.
    pub async fn go(&mut self, url: &str) {
        self.tell("Page.navigate", json!({"url": url})).await;
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'").await;
    }

    /// What an expression is in the page, after it has been waited for.
    ///
    /// # Panics
    /// Where it throws.
    pub async fn eval(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.tell("Runtime.evaluate", params).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true in the page.
    ///
    /// # Panics
    /// Where it does not come about; with what the page says then.
    pub async fn until(&mut self, expression: &str) {
        let start = std::time::Instant::now();
        while self.eval(&format!("!!({expression})")).await != true {
            if start.elapsed() > PATIENCE {
                let text = self.eval("document.body.innerText").await;
                panic!(
                    "{expression} should be so by now; {:?}\n{}",
                    self.complaints,
                    text.as_str().unwrap_or_default()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Clicks into the middle of the element that an expression gives.
    pub async fn click(&mut self, element: &str) {
        self.until(element).await;
        let place = self
            .eval(&format!(
                "(() => {{ const e = {element}; e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect(); \
                 return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
            ))
            .await;
        for kind in ["mousePressed", "mouseReleased"] {
            let click = json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.tell("Input.dispatchMouseEvent", click).await;
        }
    }

    /// Clicks into a field and types a text in the place of what is there.
    pub async fn fill(&mut self, element: &str, text: &str) {
        self.click(element).await;
        self.eval(&format!("({element}).select()")).await;
        match text {
            "" => self.key("Backspace", 8).await,
            text => drop(self.tell("Input.insertText", json!({"text": text})).await),
        }
    }

    /// Presses a key.
    pub async fn key(&mut self, key: &str, code: u32) {
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let press = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text});
            self.tell("Input.dispatchKeyEvent", press).await;
        }
    }

    /// Gives the page another size.
    pub async fn size(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.tell("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Makes a picture of the page.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub async fn picture(&mut self, file: &Path) {
        let picture = self.tell("Page.captureScreenshot", json!({"format": "png"})).await;
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap_or_default()).expect("a picture");
        std::fs::write(file, bytes).expect("the picture is written");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self._child.start_kill();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
