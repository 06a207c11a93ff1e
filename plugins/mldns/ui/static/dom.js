// Elements from data. Text only ever becomes text nodes: names in DNS, conf and XComs are written by strangers.

const SVG = "http://www.w3.org/2000/svg";

/** `el("td", {class: "number"}, "12")`; attributes of null or false are left out, `on…` are listeners. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(2)) if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
}

/** A link into Airflow's UI around this frame. The frame is sandboxed and must not navigate the window: the UI's own
 *  document does, where there is one. Without a frame, or with a modifier key, it is a link like any other. */
export function uiLink(href, ...children) {
  return el("a", { href, onclick: (event) => leave(event, href) }, ...children);
}

function leave(event, href) {
  if (window.parent === window || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const outer = window.parent.document.createElement("a");
  outer.href = href;
  window.parent.document.body.append(outer);
  outer.click();
  outer.remove();
}

/** "9,980". */
export function number(value) {
  return Number(value).toLocaleString("en");
}

/** "1 name", "2 names". */
export function count(value, noun) {
  return `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** A moment by the viewer's clock, with the exact one as its title. */
export function moment(iso, shown) {
  return el("time", { datetime: iso, title: new Date(iso).toLocaleString() }, shown);
}

/** A notice in place of the content: what happened, what to do, and perhaps a button. */
export function notice(kind, title, text, ...more) {
  return el("section", { class: `notice ${kind}`, role: kind === "error" ? "alert" : null }, el("h2", {}, title), el("p", {}, text), ...more);
}

/** What `make` draws; where it fails, the name of what does not read, so that one event takes nothing else away. */
export function attempt(make, otherwise) {
  try {
    return make();
  } catch (error) {
    console.error(error);
    return otherwise("this event does not read");
  }
}
