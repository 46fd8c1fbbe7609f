// Covers: drawn from the title and the rarest genre, and posters over them where there are some.
// `drawing.py` has the same rules, for the page without scripts.

import { ask } from "./api.js";
import { make, svg } from "./dom.js";

const { tones, posters } = document.getElementById("desk").dataset;
const TONES = JSON.parse(tones); // [genre, tone], the rarest genre first
const PLAIN_TONE = 3;
const ARTICLE = /^(?:the|a|an) (?=\S)/i;
const MAX_ASKED = 100;

const known = new Map(); // film id → address of the poster, null without one

export function cover(film) {
  const tone = TONES.find(([genre]) => film.genres.includes(genre))?.[1] ?? PLAIN_TONE;
  const letters = [...film.title];
  const number = letters.reduce((sum, letter, place) => (sum + (place + 1) * letter.codePointAt(0)) % 9973, 0);
  const turn = `translate(${(number % 13) - 6} ${(number % 17) - 8}) rotate(${(number % 41) - 20} 30 45)`;
  const motif = svg("use", { href: `#tone-${tone}`, x: -30, y: -45, width: 120, height: 180 });
  const drawing = svg("svg", { viewBox: "0 0 60 90", preserveAspectRatio: "xMidYMid slice" }, svg("g", { transform: turn }, motif));
  const initial = [...film.title.replace(ARTICLE, "")][0]?.toUpperCase() ?? "";
  const element = make("span", { class: `cover tone-${tone}`, "data-initial": initial, "aria-hidden": "true" }, drawing, make("b", {}, film.title));
  element.filmId = film.movie_id;
  if (known.get(film.movie_id)) element.append(poster(known.get(film.movie_id)));
  return element;
}

function poster(address) {
  const image = make("img", { class: "poster", src: address, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => image.remove()); // the drawn cover is below
  return image;
}

/** Put posters on the covers that are shown in these places, where the service has posters. */
export async function hangPosters(...places) {
  if (posters === undefined) return;
  const shown = places.flatMap((place) => [...place.querySelectorAll(".cover")]);
  const ids = [...new Set(shown.map((element) => element.filmId))].filter((id) => !known.has(id)).slice(0, MAX_ASKED);
  if (!ids.length) return;
  for (const id of ids) known.set(id, null);
  try {
    const { items } = await ask(`/posters?${new URLSearchParams(ids.map((id) => ["id", id]))}`);
    for (const id of ids) known.set(id, items[id] ?? null);
  } catch {
    for (const id of ids) known.delete(id); // asked for again with the next list
    return;
  }
  for (const element of shown) {
    const address = known.get(element.filmId);
    if (address && !element.querySelector(".poster")) element.append(poster(address));
  }
}
