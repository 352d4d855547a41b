// Keyboard for lists, and a page that follows an order while it moves. Everything works without this file.
(function () {
  "use strict";

  function isTyping(element) {
    return element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
  }

  function moveInList(step) {
    const rows = Array.from(document.querySelectorAll("[data-row]"));
    if (!rows.length) return;
    const at = rows.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step));
    rows[next].focus();
    rows[next].scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && isTyping(event.target)) return event.target.blur();
    if (isTyping(event.target)) return;
    if (event.key === "/") {
      const search = document.getElementById("search");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "j") { event.preventDefault(); moveInList(1);
    } else if (event.key === "k") { event.preventDefault(); moveInList(-1); }
  });

  // Follow one order: fetch the same page and exchange the moving part. It stops when the page says that the order is
  // at rest, when the session ended, and after ten minutes.
  const live = document.getElementById("live");
  let left = 300;

  function openDetails(root) {
    return Array.from(root.querySelectorAll("details[open]"), function (element) { return element.id; });
  }

  async function refresh() {
    const seconds = Number(live.dataset.refresh);
    if (!seconds || left-- <= 0) return;
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
        if (!answer.ok || answer.redirected) return;
        exchange(new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live"));
      } catch (error) { /* The network is away; the next round tries again. */ }
    }
    setTimeout(refresh, seconds * 1000);
  }

  function exchange(fresh) {
    if (!fresh) return;
    if (fresh.dataset.refresh) live.dataset.refresh = fresh.dataset.refresh; else delete live.dataset.refresh;
    if (fresh.innerHTML === live.innerHTML || live.contains(document.activeElement)) return;
    const open = openDetails(live);
    live.replaceChildren(...fresh.childNodes);
    open.forEach(function (id) { const element = document.getElementById(id); if (element) element.open = true; });
  }

  if (live && live.dataset.refresh) setTimeout(refresh, Number(live.dataset.refresh) * 1000);
})();
