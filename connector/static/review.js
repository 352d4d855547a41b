// Keys of the review pages, and a frame as high as its document. Everything works without this file.
(function () {
  "use strict";

  function isTyping(element) {
    return element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
  }

  // A key leads to the part of the page that names it: a link is followed, a form opened, a button only focused, so that
  // approving takes two keys and never happens by a slip.
  function lead(element) {
    if (element.dataset.act === "go") { element.click(); return; }
    if (element.dataset.act === "open") { openForm(element); return; }
    element.focus();
    element.scrollIntoView({ block: "nearest" });
  }

  function openForm(details) {
    details.open = true;
    const field = details.querySelector("textarea, input:not([type=hidden]):not([type=radio])");
    if (field) field.focus();
    details.scrollIntoView({ block: "nearest" });
  }

  function focusedRow() {
    const element = document.activeElement;
    return element && element.matches("[data-row]") ? element : null;
  }

  function onRow(key, row) {
    const parts = { o: "", a: "#do-approve", h: "#do-hold" };
    if (!(key in parts)) return false;
    location.assign(row.href + parts[key]);
    return true;
  }

  const keys = document.getElementById("keys");

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (keys && keys.open) return;
    if (event.key === "?" && keys) { event.preventDefault(); keys.showModal(); return; }
    const rows = document.querySelectorAll("[data-row]");
    if (rows.length && "oah".includes(event.key)) {
      event.preventDefault();
      onRow(event.key, focusedRow() || rows[0]);
      return;
    }
    if (!/^[a-z]$/.test(event.key)) return;
    const target = document.querySelector('[data-key="' + event.key + '"]');
    if (target) { event.preventDefault(); lead(target); }
  });

  // The queue leads here with the part that is wanted; no element has that name, so the browser moves nothing itself.
  if (/^#do-[a-z-]+$/.test(location.hash)) {
    const wanted = document.getElementById(location.hash.slice(4));
    if (wanted && wanted.dataset.act) lead(wanted);
  }

  // Two clicks are one decision: the second finds the button pressed. The server answers both with the same anyway.
  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    form.querySelectorAll("button").forEach(function (button) { button.setAttribute("aria-disabled", "true"); });
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      form.querySelectorAll("button").forEach(function (button) { button.removeAttribute("aria-disabled"); });
    });
  });

  // Writing an amount beside a line means that the credit is by line.
  document.addEventListener("input", function (event) {
    if (!/^amount-\d+$/.test(event.target.name || "")) return;
    const byLine = event.target.form.querySelector('input[name="scope"][value="lines"]');
    if (byLine) byLine.checked = true;
  });

  const frame = document.querySelector(".document-frame");

  function fit() {
    const shown = frame.contentDocument && frame.contentDocument.querySelector(".document");
    if (!shown) return;
    const below = parseFloat(getComputedStyle(shown).marginBottom) || 0;
    frame.style.height = Math.ceil(shown.offsetTop + shown.offsetHeight + below) + "px";
  }

  if (frame) {
    frame.addEventListener("load", fit);
    window.addEventListener("resize", fit);
    fit();
  }
})();
