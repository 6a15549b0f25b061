//! The page, in a real browser.

use interop::browser::Browser;
use interop::gateway::{OurGateway, World};
use interop::pyro5::until;
use salamander::http::GatewayOptions;

/// A page of a gateway, and what is behind it.
struct Page {
    world: World,
    _gateway: OurGateway,
    browser: Browser,
    url: String,
}

impl Page {
    async fn open(set_up: impl FnOnce(&mut GatewayOptions)) -> Option<Self> {
        let Some(mut browser) = Browser::start().await else {
            interop::left_out("there is no Chromium (Debian: apt-get install chromium)");
            return None;
        };
        let world = World::start().await;
        let gateway = world.gateway(set_up).await;
        browser.size(1280, 900).await;
        let url = format!("http://{}/pyro/", gateway.address);
        browser.go(&url).await;
        Some(Self { world, _gateway: gateway, browser, url })
    }

    /// Chooses an object in the list.
    async fn choose(&mut self, name: &str) {
        self.browser
            .click(&format!("[...document.querySelectorAll('#objects a')].find(a => a.dataset.name === {name:?})"))
            .await;
        self.browser.until(&format!("document.querySelector('#object h2')?.textContent === {name:?}")).await;
    }

    /// Opens a method, fills its fields in and calls it; gives what is shown when `done` is, and clears it.
    async fn call(&mut self, method: &str, fields: &[&str], done: &str) -> String {
        let shown = self.show(method, fields, done).await;
        self.browser
            .eval(&format!("({}).querySelector('.inside > [role=status]').replaceChildren()", card(method)))
            .await;
        shown
    }

    /// The same, and leaves it there.
    async fn show(&mut self, method: &str, fields: &[&str], done: &str) -> String {
        let card = card(method);
        if self.browser.eval(&format!("({card}).open")).await != true {
            self.browser.click(&format!("({card}).querySelector('summary')")).await;
        }
        let all = format!("({card}).querySelectorAll('form input:not([type=checkbox]), textarea')");
        for (at, text) in fields.iter().enumerate() {
            self.browser.fill(&format!("{all}[{at}]"), text).await;
        }
        self.browser.click(&format!("({card}).querySelector('form button')")).await;
        self.browser.until(&format!("({card}).querySelector({done:?})")).await;
        let shown = self.browser.eval(&format!("({card}).querySelector({done:?}).innerText")).await;
        shown.as_str().unwrap().to_owned()
    }

    fn has_nothing_to_complain_of(&self) {
        assert_eq!(self.browser.complaints, [""; 0]);
    }
}

const RESULT: &str = ".result pre";

/// The card of a method.
fn card(method: &str) -> String {
    format!(
        "[...document.querySelectorAll('details')].find(d => d.querySelector('.name').textContent === {method:?})"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_finds_objects_and_calls_them() {
    let Some(mut page) = Page::open(|_| {}).await else { return };
    let count = "document.querySelectorAll('#objects a').length";
    page.browser
        .until(&format!("{count} === 2 && document.querySelector('#count').textContent === '2 objects'"))
        .await;
    page.browser.fill("document.querySelector('#search')", "PYTH").await;
    page.browser.until(&format!("{count} === 1")).await;
    page.browser.fill("document.querySelector('#search')", "").await;
    page.browser.until(&format!("{count} === 2")).await;

    page.choose("http.rust").await;
    assert_eq!(page.browser.eval("document.title").await, "http.rust - Pyro HTTP gateway");
    page.browser.until("document.querySelector('main').innerText.includes('Gives its argument back.')").await;
    assert_eq!(page.call("greet", &["Ada"], RESULT).await, "\"hello Ada!\"");
    assert_eq!(page.call("greet", &["Ada", "", "?"], RESULT).await, "\"hello Ada?\"");
    assert_eq!(page.call("add", &["2", "-3"], RESULT).await, "-1");
    assert_eq!(page.call("add", &["2", "x"], ".wrong").await, "y should be a whole number");
    assert!(page.call("divide", &["1", "0"], ".result.bad pre").await.starts_with("builtins.ZeroDivisionError: "));
    let number = "123456789012345678901234567890";
    assert_eq!(page.call("echo", &[number], RESULT).await, number);
    assert_eq!(page.call("echo", &["plain text"], RESULT).await, "\"plain text\"");
    let collected = page.call("collect", &["1", "[2, [3]]", "{\"z\": null}"], RESULT).await;
    assert_eq!(collected.split_whitespace().collect::<String>(), "[1,[2,[3]],{\"z\":null}]");
    // An attribute.
    page.browser.click("document.querySelector('.attribute button')").await;
    page.browser.until("document.querySelector('.attribute .result')").await;

    // Of Python's objects only names are known: arguments are JSON.
    page.choose("http.python").await;
    assert_eq!(page.call("add", &["[2, 3]"], RESULT).await, "5");
    assert_eq!(page.call("greet", &["{\"name\": \"Ada\"}"], RESULT).await, "\"hello Ada!\"");
    let failed = page.call("divide", &["[1, 0]"], ".result.bad pre").await;
    assert!(failed.contains("ZeroDivisionError") && failed.contains("Traceback (most recent call last)"), "{failed}");
    assert!(page.call("add", &["1, 2"], ".wrong").await.contains("JSON list or object"));
    page.has_nothing_to_complain_of();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_sees_the_items_of_streams() {
    let Some(mut page) = Page::open(|_| {}).await else { return };
    page.choose("http.rust").await;
    page.call("count_to", &["5"], ".result li:nth-child(5)").await;
    page.call("count_and_fail", &["2"], ".result.bad pre").await;
    // It goes on when it is asked to, and stops when it is told to.
    let card = card("endless");
    page.browser.click(&format!("({card}).querySelector('summary')")).await;
    page.browser.fill(&format!("({card}).querySelector('textarea')"), "page").await;
    page.browser.click(&format!("({card}).querySelector('form button')")).await;
    let items = format!("({card}).querySelectorAll('.result li').length");
    let button = |name: &str| {
        format!("[...({card}).querySelectorAll('.result button')].find(b => b.textContent === {name:?} && !b.hidden)")
    };
    page.browser.until(&format!("{items} === 100 && {}", button("More"))).await;
    page.browser.click(&button("More")).await;
    page.browser.until(&format!("{items} === 200 && {}", button("More"))).await;
    page.browser.click(&button("Stop")).await;
    page.browser.until(&format!("({card}).innerText.includes('stopped after 200 items')")).await;
    until("the stream is closed", async || page.world.ours.handle.open_streams() == 0).await;
    page.has_nothing_to_complain_of();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_elsewhere_becomes_markup() {
    let evil = "http.<img src=x onerror=alert(1)>&\"'/";
    let Some(mut page) = Page::open(|_| {}).await else { return };
    page.world.register(evil, &page.world.ours.uri);
    let text = page.browser.eval("fetch(location.href).then(a => a.text())").await;
    assert!(text.as_str().unwrap().contains("http.&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;/"));
    page.browser.go(&format!("{}?again", page.url)).await;
    page.browser.until("document.querySelectorAll('#objects a').length === 3").await;
    page.choose(evil).await;
    let script = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>";
    assert_eq!(page.call("echo", &[script], RESULT).await, format!("\"{script}\""));
    let raised = page.call("raise_pyro", &["NamingError", script], ".result.bad pre").await;
    assert!(raised.contains(script), "{raised}");
    page.browser.go(&format!("{}#%3Cimg%20src=x%20onerror=alert(1)%3E%ff", page.url)).await;
    assert_eq!(page.browser.eval("document.querySelectorAll('img').length").await, 0);
    page.has_nothing_to_complain_of();
    // The policy forbids what would be dangerous.
    let forbidden =
        "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'done' } catch (e) { return e.name } })()";
    assert_eq!(page.browser.eval(forbidden).await, "TypeError");
    let elsewhere = "fetch('http://127.0.0.1:9/').then(() => 'done', e => e.name)";
    assert_eq!(page.browser.eval(elsewhere).await, "TypeError");
    page.browser.until("true").await;
    assert!(page.browser.complaints.iter().any(|complaint| complaint.contains("Content Security Policy")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_asked_for_once() {
    let Some(mut page) = Page::open(|options| options.key = "sesame".to_owned()).await else { return };
    assert_eq!(page.browser.eval("document.querySelectorAll('#objects a').length").await, 0);
    page.browser.fill("document.querySelector('#key')", "wrong").await;
    page.browser.key("Enter", 13).await;
    page.browser.until("document.querySelector('#count').textContent.includes('incorrect gateway api key')").await;
    page.browser.fill("document.querySelector('#key')", "sesame").await;
    page.browser.key("Enter", 13).await;
    page.browser.until("document.querySelectorAll('#objects a').length === 2").await;
    page.choose("http.rust").await;
    assert_eq!(page.call("greet", &["Ada"], RESULT).await, "\"hello Ada!\"");
    page.has_nothing_to_complain_of();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_can_use_the_page() {
    let Some(mut page) = Page::open(|_| {}).await else { return };
    // With the keyboard alone: past the link that skips, the document and the search, to the first object.
    // The page comes with a list, which the script makes anew.
    page.browser.until("document.querySelectorAll('#objects a[data-name]').length === 2").await;
    page.browser.key("Tab", 9).await;
    page.browser.until("document.activeElement.className === 'skip'").await;
    for _ in 0..3 {
        page.browser.key("Tab", 9).await;
    }
    page.browser.until("document.activeElement.dataset.name === 'http.python'").await;
    page.browser.key("Enter", 13).await;
    page.browser
        .until("document.activeElement.tagName === 'H2' && document.activeElement.textContent === 'http.python'")
        .await;

    page.choose("http.rust").await;
    page.browser.eval("document.querySelectorAll('details').forEach(d => { d.open = true })").await;
    // Every field has a label that says more than nothing, and every button a text.
    let unnamed = "[...document.querySelectorAll('input, textarea, select')].filter(e => !e.labels?.length || \
                   !e.labels[0].innerText.trim()).length + [...document.querySelectorAll('button, a')].filter(e => !e.textContent.trim()).length";
    assert_eq!(page.browser.eval(unnamed).await, 0);
    let ids = "(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return ids.length - new Set(ids).size })()";
    assert_eq!(page.browser.eval(ids).await, 0);
    assert_eq!(page.browser.eval("document.documentElement.lang").await, "en");
    assert_eq!(page.browser.eval("document.querySelectorAll('main, nav, header, footer, h1').length").await, 5);
    // As software for the blind sees it.
    let tree = page.browser.tell("Accessibility.getFullAXTree", serde_json::json!({})).await;
    let nodes = tree["nodes"].as_array().unwrap();
    let controls: Vec<_> = nodes
        .iter()
        .filter(|node| {
            ["button", "textbox", "searchbox", "combobox", "checkbox", "link"]
                .contains(&node["role"]["value"].as_str().unwrap_or(""))
        })
        .filter(|node| node["ignored"] != true)
        .collect();
    assert!(controls.len() > 100, "{}", controls.len());
    for control in controls {
        assert!(control["name"]["value"].as_str().is_some_and(|name| !name.trim().is_empty()), "{control}");
    }
    // On a phone nothing is wider than the screen.
    for width in [320, 390, 768, 1280] {
        page.browser.size(width, 844).await;
        page.browser.until(&format!("innerWidth === {width}")).await;
        assert_eq!(page.browser.eval("document.documentElement.scrollWidth > innerWidth").await, false, "{width}");
    }
    page.browser.eval("document.querySelectorAll('details').forEach(d => { d.open = false })").await;
    let pictures = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    page.show("greet", &["Ada"], RESULT).await;
    page.browser.picture(&pictures.join("gateway-wide.png")).await;
    page.browser.size(390, 844).await;
    page.browser.picture(&pictures.join("gateway-narrow.png")).await;
    page.has_nothing_to_complain_of();
}
