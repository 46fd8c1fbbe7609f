// The page: connects what the visitor says, the list, the search and the machine.

import { ask } from "./api.js";
import { hangPosters } from "./covers.js";
import { chip, fill, filmItem, focusFilm, listen } from "./films.js";
import { First } from "./first.js";
import { Machine } from "./machine.js";
import { Opened } from "./opened.js";
import { Search } from "./search.js";
import { State, fromFragment, hiddenOf, ratingsOf, toFragment } from "./state.js";
import { MANY, ONE, SAID, count, surpriseText } from "./words.js";

const N_REASONS = 2;
const N_UNITS = 6;
const N_RECONSTRUCTED = 8;
const N_YOURS = 12; // shown before the visitor asks for all
const MAX_NAMED = 100; // films that one request can name
const MAX_EXCLUDED = 1000;
const MAX_SEED = 999_999_999;

const $ = (id) => document.getElementById(id);
const list = $("list");
const pageLength = list.children.length;
const state = new State();
const films = new Map(); // films by id
const machine = new Machine();

let request = null; // the running request for the list
let answer = null; // the last response with a list
let showsAll = false;
let focusPlace = null; // { place, vote } to focus once the list is there
let retry = 0;

function announce(text) {
  // Emptied first: screen readers do not repeat an unchanged text.
  $("announcer").textContent = "";
  setTimeout(() => ($("announcer").textContent = text), 50);
}

const learn = (items) => items.forEach((film) => films.set(film.movie_id, film));

// ------------------------------------------------------------------ actions of the visitor

function say(film, kind) {
  films.set(film.movie_id, film);
  announce(`${kind ? SAID[kind].done : "You take back what you said of"} ${film.title}.`);
  state.say(film.movie_id, kind);
}

/** Say something of a film of the list, which leaves it. */
function sayInList(id, kind) {
  const item = [...list.children].find((each) => each.filmId === id);
  if (item) {
    focusPlace = { place: [...list.children].indexOf(item), vote: document.activeElement?.dataset.vote };
    list.style.minHeight = `${list.offsetHeight}px`; // nothing below jumps while the list is renewed
    item.remove();
  }
  say(films.get(id), kind);
}

listen(list, sayInList);
listen($("yours"), (id, kind) => say(films.get(id), kind));
new Search(state, say, announce);
const first = new First(state, say);
const inList = new Opened(list, state, (film, kind) => {
  films.set(film.movie_id, film);
  sayInList(film.movie_id, kind);
});
const inYours = new Opened($("yours"), state, say, $("yours-opened"));
inList.films = inYours.films = films;

$("undo-button").addEventListener("click", () => state.undo());
$("reset-button").addEventListener("click", () => {
  state.reset();
  first.show(true);
});
document.addEventListener("keydown", (event) => {
  const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
  if (isUndo && event.target.localName !== "input") {
    event.preventDefault();
    state.undo();
  }
});

$("genre").addEventListener("change", (event) => state.change({ genre: event.target.value }));
for (const [id, name] of [["year-from", "from"], ["year-to", "to"]]) {
  $(id).addEventListener("change", ({ target }) => {
    state.change({ [name]: /^\d{4}$/.test(target.value) ? target.value : "" });
  });
}
$("surprise-button").addEventListener("click", () => {
  state.change({ seed: Math.floor(Math.random() * (MAX_SEED + 1)) });
});
$("best-button").addEventListener("click", () => {
  state.change({ seed: null });
  $("surprise-button").focus();
});
$("yours-all").addEventListener("click", () => {
  showsAll = true;
  const shown = $("yours").children.length;
  showYours();
  focusFilm($("yours").children[shown]);
});
$("more-button").addEventListener("click", () => showMore());
$("trouble").querySelector("button").addEventListener("click", () => update());
addEventListener("online", () => update());
addEventListener("hashchange", () => start());

$("link-button").addEventListener("click", async ({ currentTarget: button }) => {
  const label = button.querySelector("span");
  try {
    await navigator.clipboard.writeText(location.href);
    label.textContent = "Copied";
    announce("The link is copied. It holds what you think, and nothing else does.");
  } catch {
    label.textContent = "It is in the address bar"; // the browser refuses access to the clipboard
    announce(label.textContent);
  }
  setTimeout(() => (label.textContent = "Copy link"), 3000);
});

$("browse")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const user = $("browse-user").value.trim().replace(/^user\s+/i, "");
  $("browse-problem").textContent = "";
  try {
    state.change({ ...(await saidBy(user)), seed: null });
    first.show(false);
    announce(`You look over the shoulder of user ${user}.`);
  } catch (error) {
    const unknown = error.status === 404 || error.status === 422;
    $("browse-problem").textContent = unknown ? `There is no user ${user} in this data set.` : error.message;
  }
});

async function saidBy(user) {
  const known = await ask(`/users/${encodeURIComponent(user)}/public-ratings`);
  learn(known.items);
  // The response has the latest first, the state has the latest last.
  const said = known.items.map((film) => [film.movie_id, film.liked ? "like" : "dislike"]).reverse();
  return { said: new Map(said), as: user };
}

// ------------------------------------------------------------------ rendering

state.onChange((now) => {
  const fragment = toFragment(now);
  history.replaceState(null, "", location.pathname + (fragment && `#${fragment}`));
  if (!now.said.size) showsAll = false;
  showControls(now);
  showYours();
  update();
});

function showControls(now) {
  $("undo-button").disabled = !state.canUndo;
  $("reset-button").disabled = state.isBlank;
  for (const [id, value] of [["genre", now.genre], ["year-from", now.from], ["year-to", now.to]]) {
    $(id).value = value;
  }
  $("surprise-button").disabled = !ratingsOf(now).length;
  $("best-button").hidden = now.seed === null;
}

function showYours() {
  const { said, as } = state.now;
  const focused = document.activeElement?.closest?.("#yours .film");
  const place = focused && [...$("yours").children].indexOf(focused);
  const ids = [...said.keys()].filter((id) => films.has(id)).reverse();
  const shown = showsAll ? ids : ids.slice(0, N_YOURS);
  fill($("yours"), shown.map((id) => chip(films.get(id), said.get(id))));
  inYours.restore();
  if (focused) {
    focusFilm($("yours").children[Math.min(place, shown.length - 1)]) || $("search-box").focus();
  }
  $("yours-all").hidden = shown.length === ids.length;
  $("yours-all").textContent = `Show all ${ids.length}`;
  $("yours-heading").textContent = as ? `What user ${as} thinks` : "What you think";
}

function asked() {
  const { genre, from, to, seed } = state.now;
  const exclude = hiddenOf(state.now).slice(-MAX_EXCLUDED);
  return {
    ratings: ratingsOf(state.now),
    limit: pageLength,
    explain: N_REASONS,
    ...(exclude.length && { exclude }),
    ...(genre && { genre: [genre] }),
    ...(from && { year_from: Number(from) }),
    ...(to && { year_to: Number(to) }),
    ...(seed !== null && { mode: "sample", seed }),
  };
}

async function update() {
  request?.abort();
  clearTimeout(retry);
  const own = (request = new AbortController());
  list.setAttribute("aria-busy", "true");
  try {
    await learnTitles(own.signal);
    const next = await ask("/recommendations", { body: asked(), signal: own.signal });
    showList(next);
    const shown = next.items.slice(0, N_RECONSTRUCTED);
    const features = await ask("/features", {
      body: {
        ratings: asked().ratings,
        towards: shown.map((film) => film.movie_id),
        limit: N_UNITS,
      },
      signal: own.signal,
    });
    machine.show(features.items, state.now.said, films, shown);
    showTrouble(null);
  } catch (error) {
    if (error.name !== "AbortError") showTrouble(error);
  } finally {
    if (own === request) list.removeAttribute("aria-busy");
  }
}

function showList(next) {
  const before = new Set(answer?.items.map((film) => film.movie_id));
  const added = next.items.filter((film) => !before.has(film.movie_id));
  learn(next.items);
  fill(list, next.items.map((film) => listed(film, next.items[0])), { moves: answer !== null });
  inList.restore();
  hangPosters(list);
  list.style.minHeight = "";
  $("more-button").hidden = !next.next;
  showHeading(next);
  if (focusPlace && !focusFilm(list.children[Math.min(focusPlace.place, list.children.length - 1)], focusPlace.vote)) {
    $("list-heading").focus();
  }
  focusPlace = null;
  if (answer !== null && added.length) {
    announce(`${added.length} new ${added.length === 1 ? ONE : MANY} in the list. First is ${next.items[0].title}.`);
  } else if (!next.items.length) {
    announce(`No ${ONE} fits.`);
  }
  answer = next;
}

const listed = (film, best) => filmItem(film, undefined, { as: state.now.as, best: best.score, opens: true });

const WHY_POPULAR = {
  no_model: `No model is trained yet, so these are the most popular ${MANY}.`,
  no_known_ratings: `The machine has not learned the ${MANY} that you rated, so these are the most popular ones.`,
  no_ratings: `The most popular ${MANY}. Like or dislike some, and the list becomes yours.`,
};

function showHeading(next) {
  const { source, reason, seed, items } = next;
  const isPersonal = source === "rbm";
  const { as } = state.now;
  const whom = as ? `user ${as}` : "you";
  const surprise = isPersonal && seed !== null;
  $("list-heading").textContent = !isPersonal ? "What everybody likes" : surprise ? `A surprise for ${whom}` : `What ${whom} might like`;
  const about = !isPersonal
    ? WHY_POPULAR[reason]
    : surprise
      ? surpriseText(next, as ? "they" : "you")
      : `${as ? "Their" : "Your"} likeliest next likes, in this order.`;
  $("list-about").textContent = items.length ? about : `No ${ONE} fits these filters.`;
}

async function showMore() {
  const button = $("more-button");
  button.disabled = true;
  try {
    const next = await ask("/recommendations", { body: { ...asked(), cursor: answer.next } });
    learn(next.items);
    const place = list.children.length;
    list.append(...next.items.map((film) => listed(film, answer.items[0])));
    hangPosters(list);
    answer = { ...next, items: [...answer.items, ...next.items] };
    button.hidden = !next.next;
    focusFilm(list.children[place]);
    announce(`${count(next.items.length)} more.`);
  } catch (error) {
    if (error.status === 410) await update(); // the list has changed: start again
    else showTrouble(error);
  } finally {
    button.disabled = false;
  }
}

/** Show an error, and retry where that may help; the list stays as it was. */
function showTrouble(error, again = update) {
  $("trouble").hidden = error === null;
  if (error === null) return;
  if (!answer) list.replaceChildren();
  list.style.minHeight = "";
  const soon = error.retrySeconds === null ? "" : ` Trying again in ${error.retrySeconds}\u00a0s.`;
  $("trouble").querySelector("p").textContent = error.message + soon;
  if (error.retrySeconds !== null) retry = setTimeout(again, 1000 * error.retrySeconds);
}

// ------------------------------------------------------------------ start

/** Read the state from the address: its fragment, or the form of the page without scripts. */
async function start() {
  const linked = fromFragment(location.hash.slice(1) || location.search.slice(1));
  try {
    if (linked.as) Object.assign(linked, await saidBy(linked.as));
  } catch (error) {
    if (error.retrySeconds !== null) {
      showTrouble(error, start);
      return;
    }
    linked.as = ""; // no such user, or not public
  }
  first.show(toFragment(linked) === "");
  state.begin(linked);
}

/** Fetch the titles of the films in a link; drop films that do not exist. */
async function learnTitles(signal) {
  const ids = [...state.now.said.keys()].filter((id) => !films.has(id));
  if (!ids.length) return;
  for (let begin = 0; begin < ids.length; begin += MAX_NAMED) {
    const query = new URLSearchParams({ limit: MAX_NAMED });
    for (const id of ids.slice(begin, begin + MAX_NAMED)) query.append("id", id);
    learn((await ask(`/movies?${query}`, { signal })).items);
  }
  state.drop(ids.filter((id) => !films.has(id)));
  showYours();
}

start();
