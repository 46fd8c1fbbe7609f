"use strict";
// A step of contrastive divergence with two by two units, one click at a time.

const START = {
  W: [[0.5, -0.3], [0.2, 0.4]], a: [0.1, -0.1], b: [0.2, -0.2], v0: [1, 0],
  rates: [0.1, 0.1, 0.1], uh: [0.31, 0.82], uv: [0.74, 0.2],
};
const BITS = [0, 1];

// All numbers of one step: the names are those of the page that calculates it by hand.
function trainingStep({ W, a, b, v0, rates: [kappa, gamma, eta], uh, uv }) {
  const up = (v) => BITS.map((j) => b[j] + v[0] * W[0][j] + v[1] * W[1][j]);
  const in0 = up(v0), p0 = in0.map(sigmoid);
  const h0 = p0.map((p, j) => draw(p, uh[j]));
  const x = BITS.map((i) => a[i] + W[i][0] * h0[0] + W[i][1] * h0[1]);
  const pv = x.map(sigmoid), v1 = pv.map((p, i) => draw(p, uv[i]));
  const in1 = up(v1), p1 = in1.map(sigmoid);
  const outer = (v, p) => v.map((on) => p.map((q) => on * q));
  const positive = outer(v0, p0), negative = outer(v1, p1);
  const dW = W.map((row, i) => row.map((_, j) => kappa * (positive[i][j] - negative[i][j])));
  const da = v0.map((on, i) => gamma * (on - v1[i])), db = p0.map((p, j) => eta * (p - p1[j]));
  const after = {
    W: W.map((row, i) => row.map((w, j) => w + dW[i][j])),
    a: a.map((bias, i) => bias + da[i]), b: b.map((bias, j) => bias + db[j]),
  };
  return { in0, p0, h0, x, pv, v1, in1, p1, positive, negative, dW, da, db, after };
}

// P(v) of a pattern, by the sum over all states.
function probability({ W, a, b }, v) {
  const weight = (u) => Math.exp(sum(u.map((on, i) => on * a[i])))
    * BITS.reduce((product, j) => product * (1 + Math.exp(b[j] + u[0] * W[0][j] + u[1] * W[1][j])), 1);
  const all = BITS.flatMap((one) => BITS.map((two) => [one, two]));
  return weight(v) / sum(all.map(weight));
}

const vector = (values, digits) => `(${values.map((x) => shown(x, digits)).join(", ")})`;
const matrix = (rows, digits) =>
  rows.map((row, i) => `${i ? "      " : ""}[ ${row.map((x) => shown(x, digits).padStart(9)).join("  ")} ]`).join("\n");

function lines(given, s) {
  return [
    ["Recognition", `b + Wᵀ v₀ = ${vector(s.in0)}\np₀ = σ(…) = ${vector(s.p0, 6)}`],
    ["Positive statistics, v₀ p₀ᵀ", `      ${matrix(s.positive, 6)}`],
    ["Draw the hidden units", `random numbers ${vector(given.uh, 2)} below p₀?\nh₀ = ${vector(s.h0, 0)}`],
    ["Generation", `a + W h₀ = ${vector(s.x)}\nP(v | h₀) = ${vector(s.pv, 6)}`],
    ["Draw the reconstruction", `random numbers ${vector(given.uv, 2)} below it?\nv₁ = ${vector(s.v1, 0)}`],
    ["Recognition again", `b + Wᵀ v₁ = ${vector(s.in1)}\np₁ = σ(…) = ${vector(s.p1, 6)}`],
    ["Negative statistics, v₁ p₁ᵀ", `      ${matrix(s.negative, 6)}`],
    ["Weights, with κ", `ΔW  = ${matrix(s.dW, 7)}\nnew = ${matrix(s.after.W, 7)}`],
    ["Visible biases, with γ", `Δa = ${vector(s.da, 7)}   new a = ${vector(s.after.a, 7)}`],
    ["Hidden biases, with η", `Δb = ${vector(s.db, 7)}   new b = ${vector(s.after.b, 7)}`],
    ["What it did", `P(v₀) was ${shown(probability(given, given.v0))}, is ${shown(probability(s.after, given.v0))}`],
  ];
}

function trainingPart(place) {
  let given = structuredClone(START), step = 0, rounds = 0;
  const list = element("ol"), inputs = element("div"), says = element("p", { "aria-live": "polite" });
  const number = (row, key, label) => element("label", {}, `${label} `, element("input", {
    type: "number", step: "any", value: row[key],
    onchange: (event) => {
      const value = Number(event.target.value);
      row[key] = Number.isFinite(value) ? value : 0;
      step = 0;
      show();
    },
  }));
  const group = (name, ...parts) => element("fieldset", {}, element("legend", { textContent: name }), ...parts);

  function show() {
    const all = lines(given, trainingStep(given));
    inputs.replaceChildren(
      group("W", ...given.W.flatMap((row, i) => row.map((_, j) => number(row, j, `W${i + 1}${j + 1}`)))),
      group("Biases", ...BITS.map((i) => number(given.a, i, `a${i + 1}`)), ...BITS.map((j) => number(given.b, j, `b${j + 1}`))),
      group("Pattern v₀", ...BITS.map((i) => button(`v${i + 1} = ${given.v0[i]}`, () => { given.v0[i] = 1 - given.v0[i]; step = 0; show(); }))),
      group("Rates", ...["κ", "γ", "η"].map((name, n) => number(given.rates, n, name))),
      group("Random", ...BITS.map((j) => number(given.uh, j, `h${j + 1}`)), ...BITS.map((i) => number(given.uv, i, `v${i + 1}`))),
    );
    list.replaceChildren(...all.slice(0, step).map(([name, text]) =>
      element("li", {}, element("strong", { textContent: name }), element("pre", { textContent: text }))));
    next.disabled = step >= all.length;
    says.textContent = `Steps of training so far: ${rounds}. P(v₀) = ${shown(probability(given, given.v0))}`;
  }

  const next = button("Next", () => { step += 1; show(); }, "first");
  const whole = button("All", () => { step = 99; show(); });
  const again = button("Again", () => {
    given = { ...given, ...trainingStep(given).after, uh: BITS.map(() => Math.random()), uv: BITS.map(() => Math.random()) };
    rounds += 1;
    show();
  });
  const restart = button("Start over", () => { given = structuredClone(START); step = rounds = 0; show(); });
  place.append(inputs, element("p", {}, next, whole, again, restart), says, list);
  show();
}

trainingPart(document.getElementById("training-part"));
