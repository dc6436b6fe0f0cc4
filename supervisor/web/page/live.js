"use strict";
// Keeps the page true: each event brings the sections that have changed, as HTML by their ids.
// Elements are changed in place, so that focus, selection and open reports stay. The box above the
// alerts hides the rows that do not have its words.
(() => {
  const note = document.getElementById("connection");
  const icon = document.getElementById("icon");
  // Milliseconds: before a new attempt, until a lost connection is told, and between two events.
  const RETRY = 5000;
  const GRACE = 2500;
  const SILENCE = 40000;
  let heard = Date.now();

  const morph = (from, to) => {
    if (from.nodeName !== to.nodeName || from.id !== to.id) {
      from.replaceWith(to);
      return;
    }
    if (from.nodeType !== Node.ELEMENT_NODE) {
      if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
      return;
    }
    for (const { name, value } of to.attributes) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
    }
    morphChildren(from, to);
  };

  const morphChildren = (from, to) => {
    const named = new Map([...from.children].filter((child) => child.id).map((child) => [child.id, child]));
    let place = from.firstChild;
    for (const child of [...to.childNodes]) {
      const same = child.id ? named.get(child.id) : place && !place.id ? place : null;
      if (!same) {
        from.insertBefore(child, place);
        continue;
      }
      if (same === place) place = place.nextSibling;
      else from.insertBefore(same, place);
      morph(same, child);
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  };

  const title = () => {
    document.title = document.getElementById("verdict").dataset.title;
  };

  const words = document.getElementById("words");
  const opened = new Set();

  const choose = () => {
    if (!words) return;
    const wanted = words.value.trim().toLowerCase();
    for (const row of document.querySelectorAll("#alerts li, #modules tbody tr, .lanes li, .report")) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
    }
    for (const box of document.querySelectorAll("#quiet, #quiet-lanes, #resolved, #older")) {
      if (wanted && !box.open) {
        box.open = true;
        opened.add(box.id);
      } else if (!wanted && opened.delete(box.id)) box.open = false;
    }
  };

  const show = (sections) => {
    const focused = document.activeElement;
    for (const [id, html] of Object.entries(sections)) {
      const box = document.createElement("template");
      box.innerHTML = html.trim();
      morph(document.getElementById(id), box.content.firstElementChild);
    }
    title();
    choose();
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  };

  const age = () => {
    const seconds = Math.round((Date.now() - heard) / 1000);
    const minutes = Math.floor(seconds / 60);
    if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
    return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
  };

  // Nothing is known any more: neither colour nor title nor icon may say that all is well.
  const lose = () => {
    if (!note.hidden) return;
    const header = document.getElementById("verdict");
    const { service, zone } = header.dataset;
    const said = header.querySelector("h1").textContent;
    const time = header.querySelector("time").textContent;
    const counter = document.createElement("span");
    counter.id = "age";
    counter.setAttribute("aria-hidden", "true");
    note.replaceChildren(`No connection since ${time} ${zone}`, counter, `. At that time: ${said}.`);
    note.hidden = false;
    header.className = "lost";
    header.querySelector("h1").textContent = "No connection";
    document.title = `? No connection · ${service}`;
    icon.href = icon.href.replace(/%23[0-9a-f]{6}/g, "%238a939e");
    count();
  };

  const count = () => {
    const counter = document.getElementById("age");
    if (counter) counter.textContent = `, for ${age()}`;
  };

  const hear = (sections) => {
    heard = Date.now();
    show(sections);
    note.hidden = true;
    note.replaceChildren();
  };

  let source;
  const connect = () => {
    source?.close();
    source = new EventSource(document.documentElement.dataset.events);
    source.onmessage = (event) => hear(JSON.parse(event.data));
    source.onerror = () => {
      const failed = Date.now();
      setTimeout(() => {
        if (heard < failed) lose();
      }, GRACE);
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY);
    };
  };

  if (words) {
    words.form.hidden = false;
    words.form.addEventListener("submit", (event) => event.preventDefault());
    words.addEventListener("input", choose);
    choose(); // a browser that goes back has the old words
  }
  // A host that has lost its power does not close the connection.
  setInterval(() => {
    if (note.hidden && Date.now() - heard > SILENCE) {
      lose();
      connect();
    }
    count();
  }, 1000);

  title();
  connect();
})();
