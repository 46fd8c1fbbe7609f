"use strict";
// What both parts of the page share: the passes of the machine, and elements of the page.

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const draw = (p, u = Math.random()) => (u < p ? 1 : 0);
const sum = (values) => values.reduce((a, b) => a + b, 0);
// The same with the minus of typesetting.
const shown = (x, digits = 4) => x.toFixed(digits).replace("-", "−");

// Make an element; `more` are its properties, or attributes where it is of SVG.
function element(name, more = {}, ...children) {
  const svg = ["svg", "line", "circle", "text"].includes(name);
  const made = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(more)) {
    if (svg || key.startsWith("aria-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

function button(text, press, kind = "") {
  return element("button", { type: "button", textContent: text, onclick: press, className: kind });
}
