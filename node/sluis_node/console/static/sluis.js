// Live updates: when something changed on the server, fetch this page again and put its live parts in place.
// Nothing needs this script; without it, a reload shows the same.
"use strict";

(() => {
  const address = document.body.dataset.live;
  if (!address || !window.EventSource) return;
  let seen = "";

  // A part in which somebody is filling in a form is left alone; a line says that there is news.
  const busy = (part) => part.contains(document.activeElement) && part.querySelector("input, textarea, select");

  const refresh = () => {
    const request = new XMLHttpRequest();
    request.open("GET", window.location.href);
    request.responseType = "document";
    request.setRequestHeader("x-by-itself", "1");
    request.onload = () => {
      if (request.status !== 200 || !request.response || request.responseURL !== window.location.href) return;
      for (const part of document.querySelectorAll("[data-part]")) {
        const fresh = request.response.querySelector(`[data-part="${part.dataset.part}"]`);
        if (!fresh || fresh.isEqualNode(part)) continue;
        if (busy(part)) document.getElementById("news").hidden = false;
        else part.replaceWith(document.adoptNode(fresh));
      }
    };
    request.send();
  };

  const events = new EventSource(address);
  events.addEventListener("state", (event) => {
    if (seen && event.data !== seen) refresh();
    seen = event.data;
  });
  events.addEventListener("end", () => events.close());
  window.addEventListener("pagehide", () => events.close());
})();
