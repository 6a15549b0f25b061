// The page of the gateway. All that comes from elsewhere is put into the page as text, never as HTML.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const keyState = document.body.dataset.key;
  let key = new URLSearchParams(location.search).get("$key") || "";

  /** An element with properties and children; children that are no elements are text. */
  function el(tag, properties, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name === "class") made.className = value;
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== undefined && value !== null) made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  function headers(more) {
    return key ? { "X-Pyro-Gateway-Key": key, ...more } : { ...more };
  }

  const pathOf = (...parts) => parts.map(encodeURIComponent).join("/");

  async function getJson(path) {
    const answer = await fetch(path, { headers: headers({ Accept: "application/json" }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(sayWrong(text) || answer.status + " " + answer.statusText);
    return JSON.parse(text);
  }

  /** What an answer that is no result says. */
  function sayWrong(text) {
    let exception;
    try { exception = JSON.parse(text); } catch { return text; }
    if (!exception || !exception.__exception__) return text;
    const args = Array.isArray(exception.args) ? exception.args : [];
    const message = args.map((arg) => (typeof arg === "string" ? arg : JSON.stringify(arg))).join(", ");
    const traceback = exception.attributes && exception.attributes._pyroTraceback;
    const lines = Array.isArray(traceback) ? "\n\n" + traceback.join("") : "";
    return exception.__class__ + (message ? ": " + message : "") + lines;
  }

  /** JSON with indentation. The text itself is kept, so that numbers of any size, NaN and Infinity stay what they are. */
  function pretty(text) {
    let out = "", depth = 0;
    const indent = () => "\n" + "  ".repeat(depth);
    for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
      if (token === "{" || token === "[") { depth += 1; out += token + indent(); }
      else if (token === "}" || token === "]") {
        depth = Math.max(0, depth - 1);
        out = /[{[]\s*$/.test(out.slice(-depth * 2 - 8)) ? out.trimEnd() + token : out + indent() + token;
      }
      else if (token === ",") out += "," + indent();
      else if (token === ":") out += ": ";
      else out += token;
    }
    return out;
  }

  // --- the objects ---

  let asked = 0;

  async function findObjects() {
    const search = byId("search").value.trim();
    const number = ++asked;
    try {
      const found = await getJson("$names?" + new URLSearchParams({ search }));
      if (number !== asked) return;
      const items = found.names.map(({ name, metadata }) => el("li", null,
        el("a", { href: "#" + encodeURIComponent(name), "data-name": name }, name,
          metadata.length ? el("small", null, metadata.join(", ")) : null)));
      byId("objects").replaceChildren(...items);
      const shown = found.names.length;
      byId("count").textContent = (shown < found.total ? shown + " of " : "") + found.total +
        (found.total === 1 ? " object" : " objects");
      byId("key-form").hidden = keyState === "none" || key !== "";
      markCurrent();
    } catch (error) {
      if (number !== asked) return;
      byId("objects").replaceChildren();
      byId("count").textContent = error.message;
      byId("key-form").hidden = keyState === "none";
    }
  }

  function currentName() {
    try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; }
  }

  function markCurrent() {
    const name = currentName();
    for (const link of byId("objects").querySelectorAll("a")) {
      if (link.dataset.name === name) {
        link.setAttribute("aria-current", "page");
        link.scrollIntoView({ block: "nearest" });
      } else link.removeAttribute("aria-current");
    }
  }

  async function openObject() {
    const name = currentName();
    markCurrent();
    if (!name || name === "object") return;
    const place = byId("object");
    place.setAttribute("aria-busy", "true");
    try {
      const described = await getJson(pathOf(name, "$interface"));
      if (name === currentName()) showObject(place, name, described);
    } catch (error) {
      if (name !== currentName()) return;
      place.replaceChildren(el("h2", { tabindex: "-1" }, name), el("p", { class: "wrong", role: "alert" }, error.message));
    }
    place.removeAttribute("aria-busy");
    const heading = place.querySelector("h2");
    if (heading) heading.focus({ preventScroll: innerWidth > 720 });
  }

  function showObject(place, name, described) {
    document.title = name + " - Pyro HTTP gateway";
    const parts = [el("h2", { tabindex: "-1" }, name)];
    const about = described.class ? described.class : "only names are known of this object";
    parts.push(el("p", { class: "kind" }, about + " - ", el("a", { href: pathOf(name, "$openapi.json") }, "OpenAPI document")));
    if (described.doc) parts.push(el("p", { class: "doc" }, described.doc));
    if (described.attrs.length) {
      parts.push(el("h3", null, "Attributes"), ...described.attrs.map((attribute) => showAttribute(name, attribute)));
    }
    if (described.methods.length) {
      parts.push(el("h3", null, "Methods"), ...described.methods.map((method) => showMethod(name, method)));
    }
    place.replaceChildren(...parts);
  }

  function showAttribute(object, attribute) {
    const result = el("div", { role: "status" });
    const read = el("button", { class: "plain", type: "button", onclick: () => call(object, attribute.name, null, {}, result, read) }, "Read");
    return el("section", { class: "card" }, el("div", { class: "attribute" },
      el("code", null, attribute.name), attribute.type ? el("span", { class: "kind" }, " " + attribute.type) : null,
      attribute.doc ? el("p", { class: "doc" }, attribute.doc) : null,
      attribute.readable === false ? null : el("div", { class: "row" }, read), result));
  }

  // --- the methods ---

  let ids = 0;

  function showMethod(object, method) {
    const fields = method.params ? method.params.map(fieldOf) : [freeField()];
    const result = el("div", { role: "status" });
    const wrong = el("p", { class: "wrong", role: "alert", hidden: true });
    const oneway = el("input", { type: "checkbox" });
    const button = el("button", null, "Call");
    const form = el("form", { onsubmit: submit }, ...fields.map((field) => field.element),
      el("div", { class: "row" }, button,
        method.oneway ? null : el("label", { class: "check" }, oneway, "do not wait for the result")),
      wrong);

    function submit(event) {
      event.preventDefault();
      let body;
      try {
        body = bodyOf(fields);
        wrong.hidden = true;
      } catch (error) {
        wrong.textContent = error.message;
        wrong.hidden = false;
        return;
      }
      const options = { method: "POST", body };
      call(object, method.name, options, oneway.checked ? { "X-Pyro-Options": "oneway" } : {}, result, button);
    }

    const known = method.params ? method.params.map(signatureOf).join(", ") : "...";
    const returns = method.returns && method.returns.type !== "()" ? " → " + method.returns.type : "";
    return el("details", { class: "card" },
      el("summary", null, el("span", { class: "name" }, method.name), el("code", null, "(" + known + ")"),
        el("span", { class: "kind" }, returns),
        method.stream ? el("span", { class: "tag" }, "stream") : null,
        method.oneway ? el("span", { class: "tag" }, "one-way") : null,
        method.doc ? el("span", { class: "brief" }, method.doc.split("\n")[0]) : null),
      el("div", { class: "inside" }, method.doc.includes("\n") ? el("p", { class: "doc" }, method.doc) : null, form, result));
  }

  function signatureOf(param) {
    const stars = { args: "*", kwargs: "**" }[param.kind] || "";
    return stars + param.name + (param.kind === "optional" ? " = " + (param.default || "None") : "");
  }

  /** The schema without the part that says that it may be null. */
  function innerSchema(schema) {
    const parts = schema && Array.isArray(schema.anyOf) ? schema.anyOf.filter((part) => part.type !== "null") : [];
    return parts.length === 1 ? parts[0] : schema || {};
  }

  /** A field for a parameter: its element, and the JSON text of what is in it (none where it is left out). */
  function fieldOf(param) {
    const id = "field" + ++ids;
    const type = param.kind === "args" ? "array" : param.kind === "kwargs" ? "object" : innerSchema(param.schema).type;
    const optional = param.kind !== "required";
    const hints = { array: "a JSON list: [1, \"two\"]", object: "a JSON object: {\"a\": 1}", string: "text", integer: "a whole number", number: "a number" };
    let input;
    if (type === "boolean") {
      const choices = optional ? ["", "true", "false"] : ["true", "false"];
      input = el("select", { id }, ...choices.map((choice) => el("option", { value: choice }, choice || "(left out)")));
    } else if (type === "integer" || type === "number") {
      input = el("input", { id, type: "text", inputmode: type === "integer" ? "numeric" : "decimal", autocomplete: "off" });
    } else {
      input = el("textarea", { id, rows: type === "array" || type === "object" ? 2 : 1, spellcheck: "false" });
    }
    const left = param.default ? "where it is left out: " + param.default : "";
    if (type !== "boolean") input.setAttribute("placeholder", left || hints[type] || "JSON, or text");
    const about = param.type + (param.kind === "optional" ? ", may be left out" : optional ? ", further arguments" : "");
    const element = el("div", null, el("label", { for: id }, param.name, el("span", { class: "kind" }, "  " + about)), input);
    return { element, param, text: () => jsonOf(input.value, type, optional, param.name) };
  }

  function jsonOf(text, type, optional, name) {
    const trimmed = text.trim();
    if (type === "string") return text === "" && optional ? undefined : JSON.stringify(text);
    if (trimmed === "") {
      if (optional) return undefined;
      if (type) throw new Error(name + " is missing");
      return "\"\"";
    }
    if (type === "integer") {
      if (!/^-?(0|[1-9]\d*)$/.test(trimmed)) throw new Error(name + " should be a whole number");
      return trimmed;
    }
    if (type === "array" || type === "object") {
      const right = type === "array" ? trimmed.startsWith("[") : trimmed.startsWith("{");
      if (!right || !isJson(trimmed)) throw new Error(name + " should be " + (type === "array" ? "a JSON list" : "a JSON object"));
      return trimmed;
    }
    if (isJson(trimmed)) return trimmed;
    if (type) throw new Error(name + " should be a " + type);
    return JSON.stringify(text);
  }

  function isJson(text) {
    try { JSON.parse(text); return true; } catch { return false; }
  }

  /** The one field of a method whose parameters are not known. */
  function freeField() {
    const id = "field" + ++ids;
    const input = el("textarea", { id, rows: 2, spellcheck: "false", placeholder: "[1, \"two\"]  or  {\"name\": \"Ada\"}" });
    const about = "  a JSON list by position, or an object by name; nothing: none";
    const element = el("div", null, el("label", { for: id }, "Arguments", el("span", { class: "kind" }, about)), input);
    function text() {
      const trimmed = input.value.trim();
      if (trimmed && !(/^[[{]/.test(trimmed) && isJson(trimmed))) throw new Error("the arguments should be a JSON list or object");
      return trimmed;
    }
    return { element, param: null, text };
  }

  /** The body of a call. It is put together as text, so that whole numbers of any size are kept. */
  function bodyOf(fields) {
    if (fields.length === 1 && !fields[0].param) return fields[0].text();
    const given = fields.map(({ param, text }) => ({ param, text: text() }));
    const rest = given.find(({ param, text }) => param.kind === "args" && text && text.replace(/\s/g, "") !== "[]");
    const named = given.filter(({ param, text }) => !["args", "kwargs"].includes(param.kind) && text !== undefined);
    const parts = [];
    if (rest) {
      // What stands before further positional arguments is by position too.
      const before = given.filter(({ param }) => !["args", "kwargs"].includes(param.kind));
      const missing = before.find(({ text }) => text === undefined);
      if (missing) throw new Error(missing.param.name + " cannot be left out where " + rest.param.name + " is given");
      const inner = rest.text.trim().slice(1, -1).trim();
      parts.push("\"$args\": [" + [...before.map(({ text }) => text), inner].filter(Boolean).join(", ") + "]");
    } else {
      parts.push(...named.map(({ param, text }) => JSON.stringify(param.name) + ": " + text));
    }
    const more = given.find(({ param, text }) => param.kind === "kwargs" && text);
    const inner = more ? more.text.trim().slice(1, -1).trim() : "";
    if (inner) parts.push(inner);
    return "{" + parts.join(", ") + "}";
  }

  // --- calls ---

  async function call(object, member, options, more, result, button) {
    button.disabled = true;
    result.replaceChildren(el("p", { class: "hint" }, "calling..."));
    const stop = new AbortController();
    const started = performance.now();
    try {
      const type = options && options.body ? { "Content-Type": "application/json" } : {};
      const answer = await fetch(pathOf(object, member), {
        ...options, signal: stop.signal,
        headers: headers({ Accept: "application/json, text/event-stream", ...type, ...more }),
      });
      const status = answer.status + " " + (answer.ok ? "OK" : answer.statusText) + ", " +
        Math.round(performance.now() - started) + " ms";
      const id = answer.headers.get("X-Pyro-Correlation-Id");
      const about = el("p", { class: "status" }, status + (id ? ", correlation id " + id : ""));
      if ((answer.headers.get("Content-Type") || "").startsWith("text/event-stream")) {
        await showItems(answer, about, result, stop);
      } else {
        const text = await answer.text();
        const shown = answer.ok ? (text ? pretty(text) : "(no result: nobody waits for it)") : sayWrong(text);
        result.replaceChildren(el("div", { class: answer.ok ? "result" : "result bad" }, about, el("pre", null, shown)));
      }
    } catch (error) {
      result.replaceChildren(el("p", { class: "wrong" }, "The gateway does not answer: " + error.message));
    }
    button.disabled = false;
  }

  const ITEMS_AT_ONCE = 100;

  /** The items of a stream, as they come; after so many they wait until more are wanted. */
  async function showItems(answer, about, result, stop) {
    const list = el("ol");
    const end = el("p", { class: "status" }, "items are coming...");
    const stopButton = el("button", { class: "plain", type: "button" }, "Stop");
    const moreButton = el("button", { class: "plain", type: "button", hidden: true }, "More");
    const box = el("div", { class: "result" }, about, list, end, el("div", { class: "row" }, stopButton, moreButton));
    result.replaceChildren(box);
    let stopped = false, resume = () => {};
    stopButton.addEventListener("click", () => { stopped = true; stop.abort(); resume(); });
    const finish = (text) => { end.textContent = text; stopButton.remove(); moreButton.remove(); };
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "", count = 0;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        buffer += value;
        for (let at; (at = buffer.indexOf("\n\n")) >= 0; buffer = buffer.slice(at + 2)) {
          const event = { data: "" };
          for (const line of buffer.slice(0, at).split("\n")) {
            const colon = line.indexOf(": ");
            if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
          }
          if (event.event === "end") return finish(count + (count === 1 ? " item" : " items"));
          if (event.event === "exception") {
            box.classList.add("bad");
            box.insertBefore(el("pre", null, sayWrong(event.data)), end);
            return finish("ended after " + count + " items");
          }
          if (!event.data) continue;
          list.append(el("li", null, event.data));
          count += 1;
          if (count % ITEMS_AT_ONCE === 0 && !stopped) {
            end.textContent = count + " items so far; the next are not asked for";
            moreButton.hidden = false;
            await new Promise((go) => { resume = go; moreButton.onclick = go; });
            moreButton.hidden = true;
            end.textContent = "items are coming...";
          }
          if (stopped) break;
        }
        if (stopped) break;
      }
    } catch (error) {
      if (!stopped) return finish("the connection broke after " + count + " items: " + error.message);
    }
    finish((stopped ? "stopped after " : "cut off after ") + count + " items");
  }

  // --- the beginning ---

  let typing;
  byId("search-form").hidden = false;
  byId("search").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(findObjects, 150); });
  byId("search-form").addEventListener("submit", (event) => { event.preventDefault(); findObjects(); });
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    key = byId("key").value;
    byId("key").value = "";
    findObjects().then(openObject);
  });
  addEventListener("hashchange", openObject);
  if (keyState === "needed" && !key) {
    byId("key-form").hidden = false;
  } else {
    findObjects().then(openObject);
  }
})();
