const KEPT_AREAS = "#batch_actions, #tiles, #beside";
const focus = { element: null, area: null };

/** Let the focus stay where a batch or a comparison puts another button for the focused one. */
// biome-ignore lint/correctness/noUnusedVariables: page.js uses it
function followFocus() {
  document.addEventListener("focusin", ({ target }) => {
    focus.element = target;
    focus.area = target.closest(KEPT_AREAS);
  });
}

/** Focus the button in the place of one that is gone: with the same index, or the first one. */
// biome-ignore lint/correctness/noUnusedVariables: page.js uses it
function keepFocus() {
  const { element, area } = focus;
  // What a visitor left by a click is still there.
  if (!area?.offsetParent || element.offsetParent) return;
  if (document.activeElement !== document.body) return;
  const { index } = element.dataset;
  const place = index ? `[data-index="${index}"]` : "button:not([disabled])";
  area.querySelector(place)?.focus({ preventScroll: true });
}
