"use strict";
// The six movies: opinions, the upward pass, the downward pass. MACHINE is written when the site is built.

const SAID = ["not seen", "liked", "disliked"];

// P(h | v); `v` holds 0, 1 or 2 for each movie: not seen, liked, disliked.
function upwards(v) {
  return MACHINE.b.map((bias, j) =>
    sigmoid(bias + sum(v.map((state, i) => (state ? MACHINE.W[i][state - 1][j] : 0)))));
}

// [P(like), P(dislike)] of each movie; the activity t is that of somebody with so many ratings.
function downwards(h, v) {
  const t = Math.log(Math.max(v.filter(Boolean).length, 1) / MACHINE.mean);
  return MACHINE.titles.map((_, i) => {
    const weights = [0, 1].map((s) => Math.exp(MACHINE.a[i][s] + t + sum(h.map((p, j) => p * MACHINE.W[i][s][j]))));
    return weights.map((weight) => weight / (1 + weights[0] + weights[1]));
  });
}

function sixMoviesPart(place) {
  const none = MACHINE.titles.map(() => 0);
  let v = [0, 0, 1, 0, 0, 2], h = null, p = null;
  const rows = element("div", { className: "movies" });
  const picture = element("svg", { viewBox: "0 0 640 90", role: "img", "aria-label": "hidden units" });
  const says = element("p", { "aria-live": "polite" });

  const change = (i) => { v[i] = (v[i] + 1) % 3; h = p = null; show(); };
  const up = () => { h = upwards(v); p = null; show(); };
  const down = () => { p = downwards(h, v); show(); };
  const drawn = () => {
    const on = upwards(v).map((q) => draw(q));
    v = downwards(on, v).map(([like, dislike]) => {
      const u = Math.random();
      return u < like ? 1 : u < like + dislike ? 2 : 0;
    });
    h = on;
    p = null;
    show();
  };

  function show() {
    rows.replaceChildren(...MACHINE.titles.flatMap((title, i) => [
      element("span", { textContent: title }),
      button(SAID[v[i]], () => change(i)),
      p ? element("span", {},
        element("meter", { min: 0, max: 1, value: p[i][0] }),
        ` like ${shown(p[i][0], 2)}, dislike ${shown(p[i][1], 2)}`) : element("span"),
    ]));
    picture.replaceChildren(...MACHINE.b.flatMap((_, j) => {
      const x = 120 + 320 * j;
      return [
        element("circle", { class: "unit", cx: x, cy: 45, r: 26, opacity: h ? 0.1 + 0.9 * h[j] : 0 }),
        element("circle", { class: "ring", cx: x, cy: 45, r: 26 }),
        element("text", { x: x + 36, y: 42 }, `unit ${j + 1}`),
        element("text", { class: "quiet", x: x + 36, y: 60 }, h ? `on: ${shown(h[j], 2)}` : "not inferred yet"),
      ];
    }));
    downButton.disabled = h === null;
    says.textContent = told();
  }

  function told() {
    if (!h) return "Up: which hidden units explain these opinions?";
    if (!p) return "Down: which movies do these units support?";
    const unseen = MACHINE.titles.map((title, i) => ({ title, like: p[i][0], i })).filter(({ i }) => !v[i]);
    const best = unseen.sort((one, two) => two.like - one.like)[0];
    return best ? `First in the list: ${best.title}, ${shown(best.like, 2)}` : "All are rated: nothing is left to recommend.";
  }

  const downButton = button("Down", down);
  place.append(
    rows,
    element("p", {}, button("Up", up, "first"), downButton, button("Draw", drawn),
      button("Clear", () => { v = [...none]; h = p = null; show(); })),
    picture, says,
  );
  show();
}

sixMoviesPart(document.getElementById("six-movies-part"));
