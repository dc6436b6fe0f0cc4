"use strict";
// Keeps the page true: each event brings the sections that have changed, as HTML by their ids.
// Elements are changed in place, so that focus, selection and open reports stay.
(() => {
  const note = document.getElementById("connection");
  const RETRY = 5000;

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

  const show = (sections) => {
    const focused = document.activeElement;
    for (const [id, html] of Object.entries(sections)) {
      const box = document.createElement("template");
      box.innerHTML = html.trim();
      morph(document.getElementById(id), box.content.firstElementChild);
    }
    title();
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  };

  const connect = () => {
    const source = new EventSource("api/events");
    source.onopen = () => {
      note.hidden = true;
    };
    source.onmessage = (event) => show(JSON.parse(event.data));
    source.onerror = () => {
      if (note.hidden) {
        note.textContent = `No connection since ${new Date().toLocaleTimeString()}: what is shown may be out of date.`;
        note.hidden = false;
      }
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY);
    };
  };

  title();
  connect();
})();
