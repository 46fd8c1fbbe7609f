// The search box: films appear below it while the visitor types.

import { ask } from "./api.js";
import { hangPosters } from "./covers.js";
import { fill, filmItem, focusFilm, listen } from "./films.js";
import { ONE, count } from "./words.js";

const PAUSE_MS = 120; // shorter than a pause in typing, longer than between most keys
const N_FOUND = 6;
const NONE = `No ${ONE} of such a title.`;

export class Search {
  #box = document.getElementById("search-box");
  #panel = document.getElementById("found");
  #list = this.#panel.querySelector("ul");
  #none = this.#panel.querySelector(".none");
  #timer = 0;
  #request = null;
  #films = [];
  #isWaiting = false; // for a response
  #goesOn = false; // move the focus to the films when they arrive
  #state;

  /** `say(film, kind)` is called for votes on found films, `announce` for screen readers. */
  constructor(state, say, announce) {
    this.#state = state;
    this.announce = announce;
    this.#box.addEventListener("input", () => this.#soon());
    this.#box.addEventListener("focus", () => this.#films.length && this.#open(true));
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    this.#panel.addEventListener("keydown", (event) => {
      const first = event.target.closest(".film") === this.#list.firstElementChild;
      if (event.key === "Escape" || (event.key === "ArrowUp" && first)) this.#box.focus();
      if (event.key === "Escape") this.#open(false);
    });
    document.addEventListener("pointerdown", (event) => {
      if (!event.target.closest(".search")) this.#open(false);
    });
    this.#panel.parentElement.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !event.relatedTarget.closest(".search")) this.#open(false);
    });
    listen(this.#list, (id, kind) => say(this.#films.find((film) => film.movie_id === id), kind));
    state.onChange(() => this.#show());
  }

  #key(event) {
    if (event.key === "Escape") {
      this.#open(false);
    } else if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      if (this.#isWaiting) this.#goesOn = true;
      else if (this.#films.length) this.#enter();
    }
  }

  #enter() {
    this.#open(true);
    focusFilm(this.#list.firstElementChild);
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#request?.abort();
    this.#goesOn = false;
    this.#isWaiting = this.#box.value.trim() !== "";
    if (!this.#isWaiting) {
      this.#films = [];
      this.#open(false);
      return;
    }
    this.#timer = setTimeout(() => this.#find(), PAUSE_MS);
  }

  async #find() {
    const text = this.#box.value;
    this.#request = new AbortController();
    try {
      const query = new URLSearchParams({ q: text, limit: N_FOUND });
      const found = await ask(`/movies/search?${query}`, { signal: this.#request.signal });
      this.#films = found.items;
      this.#none.textContent = found.items.length ? "" : NONE;
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#films = [];
      this.#none.textContent = error.message;
    }
    this.#isWaiting = false;
    this.#show();
    this.#open(true);
    if (this.#goesOn) this.#enter();
    const n = this.#films.length;
    this.announce(n ? `${count(n)} found, arrow down to them` : this.#none.textContent);
  }

  #show() {
    const focused = document.activeElement?.closest?.("#found .film")?.dataset.film;
    const which = document.activeElement?.dataset?.vote;
    const { said } = this.#state.now;
    fill(this.#list, this.#films.map((film) => filmItem(film, said.get(film.movie_id))));
    hangPosters(this.#list);
    this.#none.hidden = this.#films.length > 0;
    if (focused) focusFilm(this.#list.querySelector(`[data-film="${CSS.escape(focused)}"]`), which);
  }

  #open(isOpen) {
    this.#panel.hidden = !isOpen;
  }
}
