// The figure of the machine: rated films, the hidden units that they switch on, and the films that
// these reconstruct. Nodes are buttons, links are lines of one SVG.

import { make, svg, titled } from "./dom.js";
import { MANY, ONE, percent } from "./words.js";

const N_VISIBLE = 8;
const N_STRONGEST = 3;
const POINT = matchMedia("(hover: none)").matches ? "Tap" : "Point at";

const unitName = (unit) => unit.name ?? unit.on.slice(0, 2).map(({ title }) => title).join(" · ");
const signed = (number) => (number < 0 ? "−" : "+") + Math.abs(number).toFixed(2);

export class Machine {
  #figure = document.getElementById("figure");
  #details = document.getElementById("details");
  #layers = ["visible", "hidden", "reconstructed"].map((id) => document.getElementById(id));
  #svg = this.#figure.querySelector("svg");
  #links = [];
  #pinned = null;

  constructor() {
    new ResizeObserver(() => this.#draw()).observe(this.#figure);
    this.#figure.addEventListener("pointerover", (event) => this.#point(event));
    this.#figure.addEventListener("pointerleave", () => this.#light(this.#pinned));
    this.#figure.addEventListener("focusin", (event) => this.#point(event));
    this.#figure.addEventListener("focusout", () => this.#light(this.#pinned));
    this.#figure.addEventListener("click", (event) => {
      const node = event.target.closest(".node");
      this.#pinned = node === this.#pinned ? null : node;
      this.#light(this.#pinned);
    });
  }

  /** Draw the units of a response; `films` are the films by id, `said` what was said, `list` the others. */
  show(units, said, films, list) {
    this.#pinned = null;
    const strength = new Map();
    for (const { received } of units) {
      for (const { movie_id: id, weight } of received) {
        strength.set(id, (strength.get(id) ?? 0) + Math.max(weight, 0));
      }
    }
    const shown = [...said.keys()]
      .filter((id) => strength.has(id) && films.has(id))
      .sort((one, other) => strength.get(other) - strength.get(one))
      .slice(0, N_VISIBLE);
    const nodes = {
      visible: new Map(shown.map((id) => [id, filmNode(films.get(id), said.get(id) === "like" ? "liked" : "disliked")])),
      hidden: new Map(units.map((unit) => [unit.unit, unitNode(unit)])),
      reconstructed: new Map(units.length ? list.map((film) => [film.movie_id, filmNode(film, "grey")]) : []),
    };
    this.#links = linksOf(units, nodes);
    for (const layer of this.#layers) {
      const items = [...nodes[layer.id].values()].map((node) => make("li", {}, node));
      const left = [...said.values()].filter((kind) => kind === "like" || kind === "dislike").length - shown.length;
      if (layer.id === "visible" && shown.length && left > 0) {
        items.push(make("li", { class: "muted small" }, `and ${left} more`));
      }
      layer.replaceChildren(...items);
    }
    this.#figure.classList.toggle("is-idle", units.length === 0);
    this.#draw();
    this.#light(null);
  }

  #draw() {
    const frame = this.#figure.getBoundingClientRect();
    const most = { up: 0, down: 0 };
    for (const link of this.#links) most[link.way] = Math.max(most[link.way], Math.abs(link.weight));
    this.#svg.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    this.#svg.replaceChildren(
      ...this.#links.map((link) => {
        const [from, to] = [link.from, link.to].map((node) => {
          const box = node.querySelector(".dot").getBoundingClientRect();
          return { left: box.left - frame.left, right: box.right - frame.left, y: box.top + box.height / 2 - frame.top };
        });
        const middle = (from.right + to.left) / 2;
        const share = Math.abs(link.weight) / (most[link.way] || 1);
        const path = svg("path", {
          d: `M${from.right} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.left} ${to.y}`,
          class: link.weight < 0 ? "link against" : "link",
          "stroke-width": (0.5 + 4.5 * share).toFixed(2),
        });
        path.style.setProperty("--share", share.toFixed(3));
        link.path = path;
        return path;
      }),
    );
  }

  #point(event) {
    const node = event.target.closest(".node");
    if (node) this.#light(node);
  }

  /** Highlight one node with its links, and describe them in words; without a node, all links. */
  #light(node) {
    this.#figure.classList.toggle("is-lit", Boolean(node));
    const near = new Set(node ? [node] : []);
    for (const link of this.#links) {
      const isLit = node && (link.from === node || link.to === node);
      link.path?.classList.toggle("lit", Boolean(isLit));
      if (isLit) near.add(link.from).add(link.to);
    }
    for (const other of this.#figure.querySelectorAll(".node")) {
      other.classList.toggle("lit", near.has(other));
      other.setAttribute("aria-pressed", String(other === this.#pinned));
    }
    this.#details.replaceChildren(...(node ? this.#words(node) : [this.#invitation()]));
    // It grows to what it has to hold, and does not shrink again: nothing jumps under the pointer.
    this.#details.style.minHeight = `${this.#details.offsetHeight}px`;
  }

  #invitation() {
    return make("p", { class: "muted" }, `${POINT} a hidden unit to see the ${MANY} that define it, or a ${ONE} for its strongest links.`);
  }

  #words(node) {
    if (node.unit) return unitWords(node.unit);
    const links = this.#links
      .filter((link) => link.from === node || link.to === node)
      .sort((one, other) => Math.abs(other.weight) - Math.abs(one.weight))
      .slice(0, N_STRONGEST);
    const upward = links[0]?.way === "up";
    const lines = links.map((link) => {
      const { unit } = upward ? link.to : link.from;
      return make("li", {}, `${signed(link.weight)} ${upward ? "to" : "from"} unit ${unit.unit}`, unitName(unit) ? ` (${unitName(unit)})` : "");
    });
    const what = upward ? "Its strongest links up, in log-odds of the unit" : "Its strongest links down, in log-odds of the like";
    return [make("p", {}, make("strong", {}, titled(node.film.title)), `. ${what}:`), make("ul", {}, ...lines)];
  }
}

function filmNode(film, kind) {
  const signs = { liked: "liked", disliked: "disliked", grey: "not seen" };
  const node = make(
    "button",
    { type: "button", class: `node film-node ${kind}`, "aria-pressed": "false" },
    make("span", { class: "label" }, titled(film.title)),
    make("span", { class: `dot ${kind}`, "aria-hidden": "true" }),
    make("span", { class: "unseen" }, `, ${signs[kind]}`),
  );
  node.film = film;
  if (kind === "grey") node.querySelector(".dot").style.setProperty("--filled", film.score);
  return node;
}

function unitNode(unit) {
  const node = make(
    "button",
    { type: "button", class: "node unit-node", "aria-pressed": "false" },
    make("span", { class: "dot unit" }, make("span", { "aria-hidden": "true" }, percent(unit.activation))),
    make("span", { class: "label small" }, titled(unitName(unit) || `unit ${unit.unit}`)),
    make("span", { class: "unseen" }, `, hidden unit ${unit.unit}, on with ${percent(unit.activation)}`),
  );
  node.querySelector(".dot").style.setProperty("--filled", unit.activation);
  node.unit = unit;
  return node;
}

function unitWords(unit) {
  const films = (label, list) => {
    const items = list.slice(0, 6).map((film) => make("li", {}, titled(film.title)));
    return items.length ? [make("p", { class: "muted" }, label), make("ul", {}, ...items)] : [];
  };
  return [
    make("p", {}, make("strong", {}, `Hidden unit ${unit.unit}`), ` is on with a probability of ${percent(unit.activation)}; without your ratings it would be ${percent(unit.baseline)}.`),
    make(
      "div",
      { class: "columns" },
      make("div", {}, ...films("Likes of these switch it on:", unit.on)),
      make("div", {}, ...films("Likes of these switch it off:", unit.off)),
    ),
  ];
}

function linksOf(units, nodes) {
  const links = [];
  for (const unit of units) {
    const middle = nodes.hidden.get(unit.unit);
    const shown = unit.received.filter(({ movie_id: id }) => nodes.visible.has(id));
    for (const { movie_id: id, weight } of shown) {
      links.push({ from: nodes.visible.get(id), to: middle, weight, way: "up" });
    }
    for (const { movie_id: id, weight } of unit.sent) {
      const to = nodes.reconstructed.get(id);
      if (to) links.push({ from: middle, to, weight, way: "down" });
    }
  }
  return links;
}
