// Scripts of the operators' pages: live progress of a training run, and a button that copies a new
// key. Without this file the page of a run reloads itself, and a key is copied by hand.

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
