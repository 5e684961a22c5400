const KEYS_OF_TOOLS = { v: "move", s: "pick", k: "keep", e: "erase", b: "box" };
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const ZOOM_STEP = 1.5;
// A longer press on "Original" shows it only until it ends.
const PEEK_MILLISECONDS = 400;

/** Let the buttons around the stage work. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
function wireButtons(studio) {
  const { root, viewport } = studio;
  const find = (selector) => root.querySelector(selector);

  root.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    const { tool, step, ground, zoom } = button?.dataset ?? {};
    if (tool) studio.setTool(tool);
    if (step) studio.trigger(step);
    if (ground) setGround(ground, button);
    if (zoom === "fit") viewport.fit();
    if (zoom === "in") studio.zoomBy(ZOOM_STEP);
    if (zoom === "out") studio.zoomBy(1 / ZOOM_STEP);
    if (button?.matches(".split")) {
      studio.divider.toggle();
      if (studio.divider.isOn) studio.setMode("result");
    }
    studio.redraw();
  });

  function setGround(name, button) {
    root.dataset.ground = name;
    for (const other of root.querySelectorAll(".grounds button")) {
      other.setAttribute("aria-pressed", other === button);
    }
  }

  find(".grounds input").addEventListener("input", ({ target }) => {
    root.style.setProperty("--ground-colour", target.value);
    setGround("colour", null);
  });
  for (const input of root.querySelectorAll(".views input")) {
    input.addEventListener("change", () => studio.setMode(input.value));
  }
  studio.brush.input.addEventListener("input", () => studio.redraw());

  const original = find(".views input[value=original]").parentElement;
  let peekStart = 0;
  original.addEventListener("pointerdown", () => {
    peekStart = performance.now();
    studio.peek(true);
  });
  original.addEventListener("click", (event) => {
    const isHeld = performance.now() - peekStart > PEEK_MILLISECONDS;
    if (peekStart && isHeld) event.preventDefault();
    peekStart = 0;
  });
  for (const name of ["pointerup", "pointercancel"]) {
    addEventListener(name, () => studio.peek(false));
  }
}

/** Let keys work: Ctrl+Z anywhere, others while the canvas has the focus or the pointer. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
function wireKeys(studio) {
  const { root, stage, viewport, brush } = studio;
  const isHere = () =>
    root.matches(":hover") || root.contains(document.activeElement);
  const isWriting = (target) =>
    target.closest?.("textarea, input:not([type=checkbox], [type=radio])");

  document.addEventListener("keydown", (event) => {
    if (!studio.view || !root.offsetParent || isWriting(event.target)) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      const isRedo = key === "y" || (key === "z" && event.shiftKey);
      if (key !== "z" && !isRedo) return;
      event.preventDefault();
      const step = isRedo ? "redo" : "undo";
      root.querySelector(`[data-step=${step}]`).click();
    } else if (isHere() && !event.altKey) {
      pressKey(event, key);
      studio.redraw();
    }
  });
  document.addEventListener("keyup", ({ key }) => {
    if (key === " ") studio.holdsSpace = false;
    if (key.toLowerCase() === "o") studio.peek(false);
    studio.redraw();
  });

  function pressKey(event, key) {
    const isOnStage = document.activeElement === stage;
    if (KEYS_OF_TOOLS[key]) studio.setTool(KEYS_OF_TOOLS[key]);
    else if (key === "o") studio.peek(true);
    else if (key === "0" || key === "f") viewport.fit();
    else if (key === "+" || key === "=") studio.zoomBy(ZOOM_STEP);
    else if (key === "-") studio.zoomBy(1 / ZOOM_STEP);
    else if (key === "[") brush.widen(-1);
    else if (key === "]") brush.widen(1);
    else if (key === " " && !event.target.closest("button, input")) {
      studio.holdsSpace = true;
      event.preventDefault();
    } else if (isOnStage && ARROWS[event.key]) {
      event.preventDefault();
      studio.movePointer(ARROWS[event.key], event.shiftKey ? 0.1 : 0.02);
    } else if (isOnStage && key === "enter") studio.pressAtPointer();
  }
}

/** A text of the canvas in the language of the page. */
function canvasText(key) {
  const isChinese = document.documentElement.lang.startsWith("zh");
  return CANVAS_TEXTS[key][isChinese ? "zh" : "en"];
}

/** Write the texts of the canvas in the language of the page. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
function translateCanvas(root) {
  for (const item of root.querySelectorAll("[data-text]")) {
    item.textContent = canvasText(item.dataset.text);
  }
  for (const item of root.querySelectorAll("[data-label]")) {
    item.setAttribute("aria-label", canvasText(item.dataset.label));
    if (item.matches("button")) item.title = canvasText(item.dataset.label);
  }
  for (const item of root.querySelectorAll("[data-title]")) {
    item.title = canvasText(item.dataset.title);
  }
  for (const item of root.querySelectorAll("[data-alt]")) {
    item.alt = canvasText(item.dataset.alt);
  }
}
