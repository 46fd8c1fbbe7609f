// Words of the page: what the recommended things are called, and how likely is said.

const { noun, nouns } = document.getElementById("desk").dataset;

export const ONE = noun;
export const MANY = nouns;
export const count = (n) => `${n} ${n === 1 ? ONE : MANY}`;
export const percent = (share) => `${Math.round(100 * share)}\u202f%`;

/** What may be said of a film, by the kinds of events. */
export const SAID = {
  like: { word: "Like", done: "You like", icon: "thumb" },
  dislike: { word: "Dislike", done: "You dislike", icon: "thumb" },
  seen: { word: "Seen it", done: "You have seen", icon: "eye" },
  hidden: { word: "Not for me", done: "Not for you:", icon: "pass" },
};

// The least score of each word; the words fall with the score, as the list does.
const LIKELY = [[0.6, "Very likely"], [0.4, "Likely"], [0.2, "Quite possible"], [0.05, "Possible"], [0, "A long shot"]];
const OTHERS = { genres: "By its genres", new: "New here", similar: "Similar to your last like", trending: "Liked lately" };

/** Say what orders the list: how likely the film becomes a like, or how many like it. */
export function likely({ source, score }) {
  if (source === "rbm") return LIKELY.find(([least]) => score >= least)[1];
  return OTHERS[source] ?? `Liked by ${inTen(score)}`;
}

function inTen(share) {
  const tens = Math.round(10 * share);
  if (tens >= 2) return `${tens} in 10`;
  const hundreds = Math.round(100 * share);
  return hundreds ? `${hundreds} in 100` : "few";
}

/** Say how a surprise differs from the list without one. */
export function surpriseText({ draw }, whose) {
  const named = (changes) => changes.map(({ genre, times }) => `${genre} (${times.toFixed(1)}\u202f×)`).join(", ");
  const parts = [["more", draw?.more], ["less", draw?.less]].filter(([, changes]) => changes?.length);
  const how = parts.map(([word, changes]) => `${word} ${named(changes)}`).join("; ");
  const begin = `The machine imagined the rest of what ${whose} like, and this list goes with it`;
  return how ? `${begin}: ${how} than usual.` : `${begin}.`;
}
