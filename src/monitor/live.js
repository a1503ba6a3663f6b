"use strict";
// Shows what the server sends. Without it the page shows the run as it was when the page was loaded.
const main = document.querySelector("main");
const note = document.querySelector("#note");
const events = new EventSource("events");
const show = (event) => { main.innerHTML = event.data; note.textContent = ""; };
events.addEventListener("now", show);
events.addEventListener("end", (event) => { show(event); events.close(); });
events.addEventListener("error", () => {
  note.textContent = events.readyState === EventSource.CLOSED
    ? "There are too many viewers. Reload the page later."
    : "The connection is lost: goodput has ended, or this browser was too slow. The numbers are the last that arrived.";
});
