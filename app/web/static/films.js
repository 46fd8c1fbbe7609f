// A film on the page - in a list, as a chip, as a tile - and lists of them.

import { cover } from "./covers.js";
import { icon, make, titled } from "./dom.js";
import { SAID, likely, percent } from "./words.js";

const KEYS = { like: "L", dislike: "D" };

/** A button that says something of a film; pressed where that was said. */
export function vote(film, kind, given, { text = false } = {}) {
  const { word } = SAID[kind];
  const button = make(
    "button",
    {
      type: "button",
      class: `vote ${kind}`,
      "aria-pressed": String(given === kind),
      "aria-keyshortcuts": KEYS[kind] ?? null,
      title: given === kind ? "Take it back" : word,
    },
    icon(SAID[kind].icon),
    ...(text ? [word, make("span", { class: "unseen" }, ": ", titled(film.title))] : [make("span", { class: "unseen" }, `${word} `, titled(film.title))]),
  );
  button.dataset.vote = kind;
  return button;
}

/** Remember on an element which film it shows, and what the visitor said of it. */
function about(item, film, given) {
  item.dataset.film = film.movie_id;
  item.filmId = film.movie_id; // a number or a text, which an attribute would not tell apart
  item.given = given ?? null;
  return item;
}

function because(reasons, as) {
  const line = make("p", { class: "small because" }, as ? `Because user ${as} ` : "Because you ");
  const verbs = as ? ["dislikes ", "likes "] : ["dislike ", "like "];
  let before = null;
  reasons.forEach((reason, place) => {
    if (place) line.append(place === reasons.length - 1 ? " and " : ", ");
    if (reason.liked !== before) line.append(verbs[Number(reason.liked)]);
    before = reason.liked;
    line.append(make("span", { class: reason.liked ? "liked" : "disliked" }, titled(reason.title)));
  });
  return line;
}

/** What orders the list, in words; the bar is the score beside that of the first film. */
function chance(film, best) {
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("i"));
  bar.firstChild.style.inlineSize = `${100 * Math.min(1, best ? film.score / best : 0)}%`;
  return make("p", { class: "small muted chance", title: percent(film.score) }, bar, likely(film));
}

function heading(film, opens) {
  const title = titled(film.title);
  const long = film.title.length > 80 ? film.title : null;
  const name = opens ? make("button", { type: "button", class: "open", "aria-expanded": "false", title: long }, title) : title;
  const element = make("h3", { title: opens ? null : long }, name);
  if (film.year) element.append(make("span", { class: "muted year" }, ` ${film.year}`));
  return element;
}

/**
 * A film in a list with its two buttons; `given` is what the visitor said of it, `as` the user whose
 * ratings the list follows from, where these are not the visitor's own; `best` is the first score.
 */
export function filmItem(film, given, { as = "", best = 0, opens = false } = {}) {
  const text = make("div", { class: "about" }, heading(film, opens));
  if (film.genres.length) {
    text.append(make("p", { class: "muted small genres" }, titled(film.genres.join(", "))));
  }
  if (film.because?.length) text.append(because(film.because, as));
  const item = make("li", { class: "film" }, cover(film), text);
  if (film.score !== undefined) item.append(chance(film, best));
  item.append(make("div", { class: "votes" }, vote(film, "like", given), vote(film, "dislike", given)));
  return about(item, film, given);
}

/** What was said of a film: opens it, or takes it back. */
export function chip(film, given) {
  const { word, icon: sign } = SAID[given];
  const open = make("button", { type: "button", class: "open", "aria-expanded": "false", "data-vote": given }, icon(sign), make("span", { class: "unseen" }, `${word}: `), titled(film.title));
  const forget = make("button", { type: "button", class: "forget", title: "Take it back" }, icon("reset"), make("span", { class: "unseen" }, "Take back ", titled(film.title)));
  return about(make("li", { class: `film chip ${given}` }, open, forget), film, given);
}

/** A cover to tap. */
export function tile(film, given) {
  const votes = make("div", { class: "votes" }, vote(film, "like", given), vote(film, "dislike", given));
  const year = film.year ? make("span", { class: "year", "aria-hidden": "true" }, String(film.year)) : "";
  return about(make("li", { class: `film tile ${given ?? ""}`, title: film.title }, cover(film), year, votes), film, given);
}

/** Show films in a list; those that were shown before move to their new positions. */
export function fill(list, items, { moves = false } = {}) {
  const before = new Map();
  for (const item of list.children) {
    if (item.dataset.film) before.set(item.dataset.film, item.getBoundingClientRect().top);
  }
  list.replaceChildren(...items);
  if (!moves || !before.size || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const item of items) {
    const old = before.get(item.dataset.film);
    const shift = old === undefined ? 0 : old - item.getBoundingClientRect().top;
    if (old === undefined) {
      item.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 350, easing: "ease-out" });
    } else if (shift) {
      item.animate([{ transform: `translateY(${shift}px)` }, {}], { duration: 350, easing: "ease-out" });
    }
  }
}

/** Call `say(film id, kind or null, item)` for clicks and keys on the films of a list. */
export function listen(list, say) {
  const decide = (item, kind) => say(item.filmId, item.given === kind ? null : kind, item);
  list.addEventListener("click", (event) => {
    const item = event.target.closest(".film");
    const button = event.target.closest(".vote");
    if (button) decide(item, button.dataset.vote);
    else if (event.target.closest(".forget")) say(item.filmId, null, item);
    else if (event.target.closest(".tile .cover")) decide(item, "like");
  });
  list.addEventListener("keydown", (event) => {
    const item = event.target.closest(".film");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "l" || key === "d") decide(item, key === "l" ? "like" : "dislike");
    else if (key === "arrowdown") focusFilm(item.nextElementSibling, event.target.dataset.vote);
    else if (key === "arrowup") focusFilm(item.previousElementSibling, event.target.dataset.vote);
    else return;
    event.preventDefault();
  });
}

/** Focus a button of a film; false when there is no such film. */
export function focusFilm(item, which = "like") {
  const button = item?.querySelector(`[data-vote="${which}"]`) ?? item?.querySelector("button");
  button?.focus();
  return Boolean(button);
}
