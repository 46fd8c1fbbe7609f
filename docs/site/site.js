"use strict";
// Tables that are wider than a phone scroll: by the keyboard as well.
window.addEventListener("load", () => {
  for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap")) wrap.tabIndex = 0;
});
