// A film that is opened in place: why it is there, what else can be said of it, links, similar films.

import { ask } from "./api.js";
import { hangPosters } from "./covers.js";
import { make, titled } from "./dom.js";
import { fill, listen, tile, vote } from "./films.js";
import { MANY, percent } from "./words.js";

const N_SIMILAR = 6;

/** What is open in a list: one film at most. */
export class Opened {
  #film = null;
  #element = null;
  #state;
  #say;
  #list;
  #host;

  /**
   * Listen to the films of a list; `say(film, kind)` is called for what the visitor says. Without a
   * host a film is opened in its own place, with the reasons why it is there.
   */
  constructor(list, state, say, host = null) {
    [this.#list, this.#state, this.#say, this.#host] = [list, state, say, host];
    list.addEventListener("click", (event) => {
      const button = event.target.closest(".open");
      const drawn = event.target.closest(".film > .cover");
      const item = event.target.closest(".film");
      if (item?.parentElement === list && (button || drawn)) this.#toggle(item);
    });
    list.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#film) this.close();
    });
    state.onChange(() => this.#mark());
  }

  /** The films of the list, by their ids; set with each list. */
  films = new Map();

  close() {
    const item = this.#item();
    item?.classList.remove("is-open");
    item?.querySelector(".open")?.setAttribute("aria-expanded", "false");
    this.#element?.remove();
    this.#film = this.#element = null;
  }

  /** Show the open film again in a list that was renewed, or close it. */
  restore() {
    const item = this.#item();
    if (item && this.#element) this.#place(item);
    else this.close();
  }

  #item() {
    return this.#film && [...this.#list.children].find((item) => item.filmId === this.#film.movie_id);
  }

  #toggle(item) {
    const isOpen = this.#film?.movie_id === item.filmId;
    this.close();
    if (isOpen) return;
    this.#film = this.films.get(item.filmId);
    this.#element = make("div", { class: "opened" });
    this.#place(item);
    this.#fill(this.#film, this.#element);
  }

  #place(item) {
    item.classList.add("is-open");
    item.querySelector(".open").setAttribute("aria-expanded", "true");
    (this.#host ?? item).append(this.#element);
  }

  async #fill(film, element) {
    const votes = make("p", { class: "votes said-of" });
    const links = make("p", { class: "small links" });
    const more = make("div", { class: "similar", hidden: true });
    element.append(...(this.#host ? [] : why(film, this.#state.now.as)), votes, links, more);
    this.#mark();
    votes.addEventListener("click", (event) => {
      const kind = event.target.closest(".vote")?.dataset.vote;
      event.stopPropagation(); // the film in the list has such buttons, too
      if (kind) this.#say(film, this.#state.now.said.get(film.movie_id) === kind ? null : kind);
    });
    try {
      const path = `/movies/${encodeURIComponent(film.movie_id)}`;
      const [known, similar] = await Promise.all([ask(path), ask(`${path}/similar?limit=${N_SIMILAR}`)]);
      links.append(...linksOf(known));
      this.#showSimilar(more, similar.items);
    } catch (error) {
      links.append(error.message);
    }
  }

  #showSimilar(place, films) {
    if (!films.length) return;
    const tiles = make("ul", { class: "tiles" });
    place.append(make("h4", {}, `${MANY[0].toUpperCase()}${MANY.slice(1)} that the same people like`), tiles);
    place.hidden = false;
    place.similar = films;
    listen(tiles, (id, kind) => this.#say(films.find((film) => film.movie_id === id), kind));
    for (const name of ["click", "keydown"]) tiles.addEventListener(name, (event) => event.stopPropagation());
    this.#mark();
    hangPosters(tiles);
  }

  /** Press the buttons of what was said. */
  #mark() {
    if (!this.#element) return;
    const { said } = this.#state.now;
    const votes = this.#element.querySelector(".said-of");
    const focused = votes.contains(document.activeElement) && document.activeElement.dataset.vote;
    const kinds = ["like", "dislike", "seen", "hidden"];
    votes.replaceChildren(...kinds.map((kind) => vote(this.#film, kind, said.get(this.#film.movie_id), { text: true })));
    if (focused) votes.querySelector(`[data-vote="${focused}"]`).focus();
    const place = this.#element.querySelector(".similar");
    const tiles = place?.querySelector(".tiles");
    if (tiles) fillTiles(tiles, place.similar, said);
  }
}

/** Show films as tiles; the focus stays on the button that has it. */
export function fillTiles(tiles, films, said) {
  const { activeElement: active } = document;
  const place = tiles.contains(active) ? [...tiles.children].indexOf(active.closest(".tile")) : -1;
  fill(tiles, films.map((film) => tile(film, said.get(film.movie_id))));
  if (place >= 0) tiles.children[place]?.querySelector(`[data-vote="${active.dataset.vote}"]`)?.focus();
}

function why(film, as) {
  if (film.score === undefined) return [];
  if (film.source !== "rbm" && film.source !== "genres") {
    return [make("p", {}, make("strong", {}, percent(film.score)), " of all people like it; of those who rated it, ", make("strong", {}, percent(film.like_probability)), ".")];
  }
  const numbers = make(
    "p", {},
    make("strong", {}, percent(film.score)), ` likely to become one of ${as ? "their" : "your"} likes, which is what orders the list; once ${as ? "they" : "you"} know it, `,
    make("strong", {}, percent(film.like_probability)), ` likely that ${as ? "they" : "you"} like it.`,
  );
  if (!film.because?.length) return [numbers];
  const verbs = as ? [`User ${as} dislikes `, `User ${as} likes `] : ["You dislike ", "You like "];
  const reasons = film.because.map(({ title, liked, effect }) => make("li", {}, verbs[Number(liked)], titled(title), make("span", { class: "muted" }, `, ${times(effect)}`)));
  return [numbers, make("p", {}, "Without these opinions it would stand lower:"), make("ul", { class: "reasons" }, ...reasons)];
}

/** The factor on the odds of a score, from its effect in log-odds. */
const times = (effect) => `the odds ${Math.exp(effect).toFixed(1)}\u202f× as high`;

function linksOf({ year, genres, imdb_id: imdb, tmdb_id: tmdb }) {
  const known = [year, ...genres].filter(Boolean).join(" · ");
  const places = [
    ["IMDb", imdb && `https://www.imdb.com/title/tt${String(imdb).padStart(7, "0")}/`],
    ["TMDB", tmdb && `https://www.themoviedb.org/movie/${tmdb}`],
  ];
  return [
    make("span", { class: "muted" }, make("bdi", {}, known)),
    ...places.filter(([, address]) => address).map(([name, address]) => make("a", { href: address, rel: "noreferrer" }, name)),
  ];
}
