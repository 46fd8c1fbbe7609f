// Light or dark theme: that of the system, or the choice of the visitor. Loaded before the first
// paint, so that no page flashes in the other theme. Any button with `data-theme-switch` is a switch.
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
