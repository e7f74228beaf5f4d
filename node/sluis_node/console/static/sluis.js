// What a page does by itself: it updates when something changed, warns before the session ends, and shows that a form is
// on its way. Nothing needs this script; without it, a reload shows the same.
"use strict";

(() => {
  const body = document.body;
  const by = (id) => document.getElementById(id);

  const ask = (address, type, itself, then) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = type;
    // What nobody asked for doesn't keep a session alive.
    if (itself) request.setRequestHeader("x-by-itself", "1");
    request.onload = () => then(request);
    request.send();
  };

  // Live updates. A part in which somebody is filling in a form is left alone; a line says that there is news.

  const busy = (part) => part.contains(document.activeElement) && part.querySelector("textarea, select, input:not([type=hidden])");

  const refresh = () =>
    ask(window.location.href, "document", true, (request) => {
      if (request.status !== 200 || !request.response || request.responseURL !== window.location.href.split("#")[0]) return;
      for (const part of document.querySelectorAll("[data-part]")) {
        const fresh = request.response.querySelector(`[data-part="${part.dataset.part}"]`);
        if (!fresh || fresh.isEqualNode(part)) continue;
        if (busy(part)) by("news").hidden = false;
        else part.replaceWith(document.adoptNode(fresh));
      }
    });

  if (body.dataset.live && window.EventSource && document.querySelector("[data-part]")) {
    const events = new EventSource(body.dataset.live);
    let seen = body.dataset.pulse;
    events.addEventListener("state", (event) => {
      if (event.data !== seen) refresh();
      seen = event.data;
    });
    events.addEventListener("end", () => events.close());
    window.addEventListener("pagehide", () => events.close());
    window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
  }

  // The session's end: a warning in time, and nothing left on the screen after it.

  let timer = 0;
  const wait = (seconds, what) => {
    clearTimeout(timer);
    timer = setTimeout(what, Math.max(1, seconds) * 1000);
  };
  const look = (itself) =>
    ask("/session", "json", itself, (request) => {
      if (request.status !== 200 || !request.response) return window.location.replace("/login?ended");
      const { left, warn } = request.response;
      by("ending").hidden = left > warn;
      wait(left > warn ? left - warn : left, () => look(true));
    });
  if (body.dataset.live) {
    by("stay").addEventListener("click", () => look(false));
    look(true);
  }

  // A form that is on its way: sent once, and seen to be. What is downloaded leads nowhere, so that ends by itself.

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.getAttribute("aria-busy")) return event.preventDefault();
    form.setAttribute("aria-busy", "true");
    setTimeout(() => form.removeAttribute("aria-busy"), 5000);
  });
})();
