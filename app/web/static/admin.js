// Scripts of the operators' pages: live progress of a training run, a button that copies a new key,
// and the preview of a scenario, which follows its form. Without this file the page of a run reloads
// itself, a key is copied by hand, and a button shows the preview.

const place = (id) => document.getElementById(id);

const STAGES = {
  waiting: "waiting for a training process",
  snapshot: "reading the ratings",
  settings: "trying settings on validation users",
  judging: "evaluating on users that no training saw",
};
const figure = (value) => (typeof value === "number" ? value.toFixed(3) : "–");

const show = ({ progress }) => {
  const training = progress.stage === "training";
  place("stage").textContent = training
    ? `epoch ${progress.epoch} of ${progress.n_epochs}`
    : STAGES[progress.stage] ?? "starting";
  if (!training) return;
  place("bar").max = progress.n_epochs;
  place("bar").value = progress.epoch;
  place("validation").textContent = figure(progress["validation_ndcg@100"]);
  place("error").textContent = figure(progress.reconstruction_error);
};

const live = place("live");
if (live) {
  const events = new EventSource(live.dataset.events);
  events.onmessage = (event) => {
    place("lost").hidden = true;
    const run = JSON.parse(event.data);
    // The page of a finished run shows the result.
    if (run.finished_at) {
      events.close();
      location.reload();
    } else if (run.state === live.dataset.state) {
      show(run);
    } else {
      location.reload();
    }
  };
  events.onerror = () => {
    place("lost").hidden = false;
    if (events.readyState === EventSource.CLOSED) {
      place("lost").textContent = "There is no more news here: load the page again.";
    }
  };
}

const copy = place("copy");
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    const source = place(copy.dataset.copies);
    try {
      await navigator.clipboard.writeText(source.value);
      place("copied").textContent = "Copied.";
    } catch {
      source.select(); // the browser refuses access to the clipboard
      place("copied").textContent = "Copy it with the keyboard: it is marked.";
    }
  });
}

// The page that the button would load has the preview, and what is wrong with the form.
const PREVIEW_AFTER_MS = 400;

const preview = async (form, signal) => {
  const body = new URLSearchParams(new FormData(form));
  body.set("do", "preview");
  const response = await fetch(form.action, { method: "POST", body, signal });
  if (!response.ok || response.redirected) throw new Error("no preview");
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of ["problem", "preview"]) place(id).replaceChildren(...page.getElementById(id).childNodes);
};

const edited = document.querySelector("form[data-previews]");
if (edited) {
  let timer;
  let going;
  const follow = () => {
    clearTimeout(timer);
    going?.abort();
    timer = setTimeout(async () => {
      going = new AbortController();
      try {
        await preview(edited, going.signal);
      } catch (error) {
        if (error.name === "AbortError") return;
        place("preview").textContent = "There is no preview now: press Show.";
      }
    }, PREVIEW_AFTER_MS);
  };
  edited.addEventListener("input", follow);
  place("user").addEventListener("input", follow);
}
