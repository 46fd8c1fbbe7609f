// What must be known before the first paint, so that no page flashes in the other theme: light or
// dark, as the system or as the visitor chose. Any button with `data-theme-switch` is a switch.
(() => {
  const KEY = "theme";
  const root = document.documentElement;
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

  // A browser may refuse storage; the switch then lasts as long as the page.
  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const store = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // nothing to do: see above
    }
  };

  const current = () => root.dataset.theme ?? (systemIsDark.matches ? "dark" : "light");
  const label = () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.hidden = false; // hidden without scripts
      const next = current() === "dark" ? "light" : "dark";
      button.setAttribute("aria-label", `Switch to the ${next} theme`);
      button.title = button.getAttribute("aria-label");
    }
  };

  // A link that says something begins with the list, without the films for the first minute.
  root.toggleAttribute("data-linked", Boolean(location.hash.slice(1) || location.search.slice(1)));
  const theme = stored();
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  systemIsDark.addEventListener("change", label);
  document.addEventListener("DOMContentLoaded", label);
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-switch]")) return;
    root.dataset.theme = current() === "dark" ? "light" : "dark";
    store(root.dataset.theme);
    label();
  });
})();
