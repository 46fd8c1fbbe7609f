// A film on the page, and lists of them. Titles are inserted as text, never as markup.

/** Create an element with attributes and children; strings become text, not markup. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** A title, isolated from the writing direction of its line. */
export const titled = (text) => make("bdi", {}, text);

export const percent = (share) => `${Math.round(100 * share)}\u202f%`;

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}

function vote(film, liked, given) {
  const word = liked ? "Like" : "Dislike";
  const button = make(
    "button",
    {
      type: "button",
      class: `vote ${liked ? "like" : "dislike"}`,
      "aria-pressed": String(given === liked),
      "aria-keyshortcuts": liked ? "L" : "D",
      title: given === liked ? "Take it back" : word,
    },
    icon("thumb"),
    make("span", { class: "unseen" }, `${word} `, titled(film.title)),
  );
  button.dataset.vote = String(liked);
  return button;
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

function chance(film, as) {
  const share = percent(film.like_probability);
  const text = film.source === "rbm" ? `${share} sure ${as ? `user ${as} would` : "you’d"} like it` : `${share} liked it`;
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("i"));
  bar.firstChild.style.inlineSize = `${100 * film.like_probability}%`;
  return make("p", { class: "small muted chance" }, bar, text);
}

/**
 * A film with its two buttons; `given` is what the visitor said of it, `as` the user whose
 * ratings the list follows from, where these are not the visitor's own.
 */
export function filmItem(film, given, as = "") {
  const about = make("div", { class: "about" });
  const heading = make("h3", { title: film.title.length > 80 ? film.title : null }, titled(film.title));
  if (film.year) heading.append(make("span", { class: "muted year" }, ` ${film.year}`));
  about.append(heading);
  if (film.genres.length) {
    about.append(make("p", { class: "muted small genres" }, titled(film.genres.join(", "))));
  }
  if (film.because?.length) about.append(because(film.because, as));
  const item = make("li", { class: "film" }, about);
  if (film.like_probability !== undefined) item.append(chance(film, as));
  item.append(make("div", { class: "votes" }, vote(film, true, given), vote(film, false, given)));
  item.dataset.film = film.movie_id;
  item.filmId = film.movie_id; // a number or a text, which an attribute would not tell apart
  return item;
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

/** Call `rate(film id, liked or null, item)` for clicks and keys on the films of a list. */
export function listen(list, rate) {
  const decide = (item, liked) => {
    const button = item.querySelector(`[data-vote="${liked}"]`);
    const isGiven = button.getAttribute("aria-pressed") === "true";
    rate(item.filmId, isGiven ? null : liked, item);
  };
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-vote]");
    if (button) decide(button.closest(".film"), button.dataset.vote === "true");
  });
  list.addEventListener("keydown", (event) => {
    const item = event.target.closest(".film");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "l" || key === "d") decide(item, key === "l");
    else if (key === "arrowdown") focusFilm(item.nextElementSibling, event.target.dataset.vote);
    else if (key === "arrowup") focusFilm(item.previousElementSibling, event.target.dataset.vote);
    else return;
    event.preventDefault();
  });
}

/** Focus a button of a film; false when there is no such film. */
export function focusFilm(item, which = "true") {
  const button = item?.querySelector(`[data-vote="${which}"]`);
  button?.focus();
  return Boolean(button);
}
