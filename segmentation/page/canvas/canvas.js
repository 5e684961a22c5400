// Most points of a stroke or objects that are sent, as events.py takes them.
const MOST_POINTS = 2000;
const PAINTS = ["keep", "erase"];
const KEYS_OF_TOOLS = { v: "pick", k: "keep", e: "erase", b: "box" };
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
// Wait so long after the last move before the visible part is asked for, and asked for again.
const TILE_MILLISECONDS = 250;
const TILE_RETRIES = 12;
const RETRY_MILLISECONDS = 1000;

/**
 * Start the canvas.
 *
 * @param element the component's element.
 * @param trigger sends an event to Python.
 * @param props `value` is a CanvasView as JSON, or null.
 * @param watch calls a function when a prop has changed.
 */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
function startCanvas(element, trigger, props, watch) {
  const find = (selector) => element.querySelector(selector);
  const root = find(".canvas");
  const stage = find(".stage");
  const scene = find(".scene");
  const photo = find("img.original");
  const result = find("img.result");
  const tile = find("img.tile");
  const divider = find(".divider");
  const viewport = new Viewport();
  const overlay = new Overlay(find(".overlay"), viewport);
  const state = {
    view: null,
    objects: null,
    mode: "result",
    tool: "pick",
    peeks: false,
    pointXy: null,
    strokes: [],
    drawn: null,
    boxStart: null,
    box: null,
    holdsSpace: false,
  };
  let frame = 0;
  let tileTimer = 0;

  // What is looked at.

  const mode = () => (state.peeks ? "original" : state.mode);
  const isPainting = () => PAINTS.includes(state.tool);
  const showsFrameOfPhoto = () =>
    mode() !== "result" || state.view?.follows_photo;

  function redraw() {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(drawNow);
  }

  function drawNow() {
    const { view } = state;
    viewport.stageWh = [stage.clientWidth, stage.clientHeight];
    if (!view || !viewport.stageWh[0]) return;
    const wh = showsFrameOfPhoto() ? view.photo_wh : view.result_wh;
    if (wh.join() !== viewport.pictureWh.join()) {
      viewport.pictureWh = wh;
      viewport.fit();
    }
    viewport.panBy(0, 0);
    const [left, top, width, height] = viewport.box;
    scene.style.transform = `translate(${left}px, ${top}px)`;
    scene.style.width = `${width}px`;
    scene.style.height = `${height}px`;
    root.dataset.view = mode();
    root.dataset.tool = state.tool;
    stage.classList.toggle("zoomed", !viewport.isFitted);
    stage.classList.toggle("pan", state.holdsSpace);
    find(".percent").textContent = `${Math.round(viewport.scale * 100)}%`;
    const target = targetAt(state.pointXy);
    stage.classList.toggle("over", Boolean(target));
    stage.dataset.target = target ? target.id : "";
    const strokes = [...state.strokes, ...(state.drawn ? [state.drawn] : [])];
    overlay.draw({
      view,
      objects: showsFrameOfPhoto() ? state.objects : null,
      photo,
      mode: mode(),
      target,
      strokes,
      box: state.box,
      brush: brushAtPointer(),
    });
    scheduleTile();
    tile.hidden = !tileFits(view.tile);
  }

  function brushAtPointer() {
    if (!isPainting() || !state.pointXy) return null;
    const radius = brush.valueAsNumber / 2;
    return { mode: state.tool, radius, pointXy: state.pointXy };
  }

  /** The object that a click at a point would add or remove, as `PhotoState.click` decides. */
  function targetAt(pointXy) {
    const { view, objects } = state;
    if (state.tool !== "pick" || !pointXy || !objects) return null;
    if (!showsFrameOfPhoto()) return null;
    const ids = objects.idsAt(viewport.shareAt(pointXy));
    const chosen = new Set(view.selected);
    const removed = ids.find((id) => chosen.has(id));
    const isAgain = ids.length > 0 && ids.join() === view.clicked.join();
    if (removed === undefined || (removed !== ids[0] && !isAgain)) {
      return ids.length ? { id: ids[0], isAdded: true } : null;
    }
    const next = ids[ids.indexOf(removed) + 1];
    if (next === undefined || chosen.has(next)) {
      return { id: removed, isAdded: false };
    }
    return { id: next, isAdded: true };
  }

  function setMode(next) {
    state.mode = next;
    for (const input of element.querySelectorAll(".views input")) {
      input.checked = input.value === next;
    }
    redraw();
  }

  function setTool(tool) {
    state.tool = tool;
    for (const button of element.querySelectorAll(".tools button")) {
      button.setAttribute("aria-pressed", button.dataset.tool === tool);
    }
    // Strokes and boxes lie on the photo.
    if (mode() === "original" || !showsFrameOfPhoto()) setMode("objects");
    redraw();
  }

  // What Python sends.

  async function receive() {
    const { value } = props;
    const former = state.view;
    if (!value?.photo) {
      Object.assign(state, { view: null, objects: null, strokes: [] });
      return;
    }
    const isNewPhoto = former?.photo.url !== value.photo.url;
    if (isNewPhoto) {
      viewport.fit();
      Object.assign(state, { objects: null, strokes: [], tool: "pick" });
      setTool("pick");
      setMode(value.selected.length ? "result" : "objects");
    }
    state.view = value;
    find(".notice").textContent = value.notice;
    find("[data-step=undo]").disabled = !value.can_undo;
    find("[data-step=redo]").disabled = !value.can_redo;
    const before = value.before ?? value.photo;
    const changes = [show(result, value.result.url), show(photo, before.url)];
    if (value.tile) {
      changes.push(show(tile, value.tile.image.url));
      placeTile(value.tile.box_xyxy);
    }
    if (!former || former.object_map.url !== value.object_map.url) {
      changes.push(
        ObjectMap.load(value.object_map.url).then((objects) => {
          if (state.view === value) state.objects = objects;
        }),
      );
    }
    await Promise.allSettled(changes);
    if (state.view !== value) return;
    state.strokes = [];
    root.classList.toggle("split-view", Boolean(splits()));
    redraw();
  }

  /** Replace a picture when the next one is ready, so that nothing flickers. */
  async function show(image, url) {
    if (image.dataset.url === url) return;
    image.dataset.url = url;
    const next = new Image();
    next.src = url;
    await next.decode();
    if (image.dataset.url === url) image.src = url;
  }

  // The visible part at full resolution.

  function scheduleTile() {
    clearTimeout(tileTimer);
    const { view } = state;
    const pixels = (window.devicePixelRatio || 1) * viewport.box[2];
    const isSharp =
      pixels <= 1.05 * (photo.naturalWidth || Infinity) ||
      photo.naturalWidth >= viewport.pictureWh[0];
    if (isSharp || tileFits(view.tile) || state.drawn) return;
    tileTimer = setTimeout(askForTile, TILE_MILLISECONDS, TILE_RETRIES);
  }

  function askForTile(retries) {
    const side = (window.devicePixelRatio || 1) * Math.max(...viewport.stageWh);
    trigger("tile", {
      box_xyxy: viewport.visibleShare,
      side: Math.min(4096, Math.round(side)),
      source: mode() === "result" ? "result" : "original",
    });
    // The file may not be ready.
    if (retries > 0) {
      tileTimer = setTimeout(askForTile, RETRY_MILLISECONDS, retries - 1);
    }
  }

  function tileFits(part) {
    if (!part || viewport.isFitted) return false;
    const source = mode() === "result" ? "result" : "original";
    const [left, top, right, bottom] = viewport.visibleShare;
    const slack = 1e-3;
    return (
      part.source === source &&
      part.box_xyxy[0] <= left + slack &&
      part.box_xyxy[1] <= top + slack &&
      part.box_xyxy[2] >= right - slack &&
      part.box_xyxy[3] >= bottom - slack
    );
  }

  function placeTile([left, top, right, bottom]) {
    Object.assign(tile.style, {
      left: `${100 * left}%`,
      top: `${100 * top}%`,
      width: `${100 * (right - left)}%`,
      height: `${100 * (bottom - top)}%`,
    });
  }

  // What the visitor does.

  const brush = find(".brush input");
  const radiusShare = () =>
    Math.min(0.5, brush.valueAsNumber / 2 / Math.max(...viewport.box.slice(2)));

  function pickAt(pointXy) {
    const point_xy = viewport.shareAt(pointXy);
    if (point_xy.some((share) => share < 0 || share > 1)) return;
    const ids = state.objects?.idsAt(point_xy) ?? [];
    // Shown at once; Python's answer decides.
    const target = targetAt(pointXy);
    if (target) choose(target, ids);
    trigger("pick", { point_xy, ids });
  }

  function choose({ id, isAdded }, ids) {
    const selected = state.view.selected.filter(
      (other) => isAdded || other !== id,
    );
    if (isAdded) {
      const isAgain = ids.join() === state.view.clicked.join();
      const left = isAgain || selected.includes(ids[0]) ? ids : [];
      const kept = selected.filter((other) => !left.includes(other));
      state.view = { ...state.view, selected: [...kept, id], clicked: ids };
    } else {
      state.view = { ...state.view, selected, clicked: ids };
    }
    redraw();
  }

  function startStroke(pointXy) {
    state.drawn = {
      mode: state.tool,
      radius: radiusShare(),
      points_xy: [viewport.shareAt(pointXy)],
    };
    redraw();
  }

  function endStroke() {
    const { drawn } = state;
    state.drawn = null;
    if (!drawn) return;
    state.strokes.push(drawn);
    const step = Math.ceil(drawn.points_xy.length / MOST_POINTS);
    const points_xy = drawn.points_xy.filter((_, index) => index % step === 0);
    trigger("stroke", { ...drawn, points_xy });
    redraw();
  }

  function endBox() {
    const { box } = state;
    Object.assign(state, { box: null, boxStart: null });
    redraw();
    if (!box) return;
    const corners = [box.slice(0, 2), box.slice(2)].map((corner) =>
      viewport.shareAt(corner).map((share) => Math.min(1, Math.max(0, share))),
    );
    const box_xyxy = corners.flat();
    if (box_xyxy[0] < box_xyxy[2] && box_xyxy[1] < box_xyxy[3]) {
      trigger("box", { box_xyxy });
    }
  }

  followGestures(stage, {
    pans: ({ button, pointerType }) =>
      button === 1 ||
      state.holdsSpace ||
      (pointerType === "touch" && state.tool === "pick"),
    start(pointXy) {
      stage.focus({ preventScroll: true });
      if (!state.view) return;
      if (isPainting()) startStroke(pointXy);
      if (state.tool === "box") state.boxStart = pointXy;
    },
    move(pointsXy) {
      if (state.drawn) {
        const shares = pointsXy.map((point) => viewport.shareAt(point));
        state.drawn.points_xy.push(...shares);
      }
      if (state.boxStart) {
        const [[x, y], [endX, endY]] = [state.boxStart, pointsXy.at(-1)];
        state.box = [
          Math.min(x, endX),
          Math.min(y, endY),
          Math.max(x, endX),
          Math.max(y, endY),
        ];
      }
      redraw();
    },
    end() {
      endStroke();
      endBox();
    },
    cancel() {
      Object.assign(state, { drawn: null, box: null, boxStart: null });
      redraw();
    },
    click(pointXy) {
      if (state.view && state.tool === "pick" && showsFrameOfPhoto()) {
        pickAt(pointXy);
      }
    },
    hover(pointXy) {
      state.pointXy = pointXy;
      redraw();
    },
    pan(x, y) {
      viewport.panBy(x, y);
      redraw();
    },
    zoom(factor, pointXy) {
      const former = viewport.zoom;
      viewport.zoomBy(factor, pointXy);
      redraw();
      return viewport.zoom !== former || factor > 1;
    },
  });

  // Buttons.

  element.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    const { tool, step, ground, zoom } = button?.dataset ?? {};
    const middle = viewport.stageWh.map((side) => side / 2);
    if (tool) setTool(tool);
    if (step === "undo") trigger("undo");
    if (step === "redo") trigger("redo");
    if (ground) setGround(ground, button);
    if (zoom === "fit") viewport.fit();
    if (zoom === "in") viewport.zoomBy(1.5, middle);
    if (zoom === "out") viewport.zoomBy(1 / 1.5, middle);
    if (button?.matches(".split")) toggleDivider(button);
    redraw();
  });

  function setGround(name, button) {
    root.dataset.ground = name;
    for (const other of element.querySelectorAll(".grounds button")) {
      other.setAttribute("aria-pressed", other === button);
    }
  }

  find(".grounds input").addEventListener("input", ({ target }) => {
    root.style.setProperty("--ground-colour", target.value);
    setGround("colour", null);
  });

  for (const input of element.querySelectorAll(".views input")) {
    input.addEventListener("change", () => setMode(input.value));
  }
  brush.addEventListener("input", redraw);

  // A press on "Original" that is held shows it until it ends.
  const originalLabel = find(".views input[value=original]").parentElement;
  let peekStart = 0;
  originalLabel.addEventListener("pointerdown", () => {
    peekStart = performance.now();
    peek(true);
  });
  originalLabel.addEventListener("click", (event) => {
    if (performance.now() - peekStart > 400) event.preventDefault();
  });
  addEventListener("pointerup", () => peek(false));

  function peek(isOn) {
    if (state.peeks === isOn) return;
    state.peeks = isOn;
    redraw();
  }

  // The divider between before and after.

  const splits = () => find(".split").getAttribute("aria-pressed") === "true";

  function toggleDivider(button) {
    button.setAttribute("aria-pressed", !splits());
    divider.hidden = !splits();
    root.classList.toggle("split-view", splits());
    setDivider(0);
    if (splits()) setMode("result");
  }

  function setDivider(share) {
    const kept = Math.min(1, Math.max(0, share));
    divider.setAttribute("aria-valuenow", Math.round(100 * kept));
    root.style.setProperty("--split", `${100 * kept}%`);
    divider.style.left = `${viewport.pointAt([kept, 0])[0]}px`;
  }

  divider.addEventListener("pointermove", (event) => {
    if (!event.buttons) return;
    divider.setPointerCapture(event.pointerId);
    const { left } = stage.getBoundingClientRect();
    setDivider(viewport.shareAt([event.clientX - left, 0])[0]);
  });
  divider.addEventListener("keydown", (event) => {
    const [x] = ARROWS[event.key] ?? [0];
    if (!x) return;
    event.preventDefault();
    event.stopPropagation();
    setDivider(Number(divider.getAttribute("aria-valuenow")) / 100 + x * 0.05);
  });

  // Keys. Those without Ctrl count while the canvas has the focus or the pointer.

  const isHere = () =>
    root.matches(":hover") || root.contains(document.activeElement);
  const isWriting = (target) =>
    target.closest?.("textarea, input:not([type=checkbox], [type=radio])");

  document.addEventListener("keydown", (event) => {
    if (!state.view || !root.offsetParent || isWriting(event.target)) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      const isRedo = key === "y" || (key === "z" && event.shiftKey);
      if (key !== "z" && !isRedo) return;
      event.preventDefault();
      find(isRedo ? "[data-step=redo]" : "[data-step=undo]").click();
    } else if (isHere() && !event.altKey) {
      pressKey(event, key);
    }
  });
  document.addEventListener("keyup", ({ key }) => {
    if (key === " ") state.holdsSpace = false;
    if (key.toLowerCase() === "o") peek(false);
    redraw();
  });

  function pressKey(event, key) {
    const middle = viewport.stageWh.map((side) => side / 2);
    const isOnStage = document.activeElement === stage;
    if (KEYS_OF_TOOLS[key]) setTool(KEYS_OF_TOOLS[key]);
    else if (key === "o") peek(true);
    else if (key === "0" || key === "f") viewport.fit();
    else if (key === "+" || key === "=") viewport.zoomBy(1.5, middle);
    else if (key === "-") viewport.zoomBy(1 / 1.5, middle);
    else if (key === "[") brush.valueAsNumber -= 6;
    else if (key === "]") brush.valueAsNumber += 6;
    else if (key === " " && !event.target.closest("button, input")) {
      state.holdsSpace = true;
      event.preventDefault();
    } else if (isOnStage && ARROWS[event.key]) {
      event.preventDefault();
      movePointer(ARROWS[event.key], event.shiftKey ? 0.1 : 0.02);
    } else if (isOnStage && key === "enter") pressAtPointer();
    redraw();
  }

  /** Move the pointer by keys, by a share of the picture. */
  function movePointer(direction, share) {
    const from = state.pointXy ?? viewport.pointAt([0.5, 0.5]);
    const moved = viewport.shareAt(from).map((place, axis) => {
      const next = place + share * direction[axis];
      return Math.min(0.999, Math.max(0, next));
    });
    state.pointXy = viewport.pointAt(moved);
  }

  function pressAtPointer() {
    if (!state.pointXy) return;
    if (state.tool === "pick" && showsFrameOfPhoto()) pickAt(state.pointXy);
    if (isPainting()) {
      startStroke(state.pointXy);
      endStroke();
    }
  }

  // Texts in the language of the page.

  function translate() {
    const isChinese = document.documentElement.lang.startsWith("zh");
    const textOf = (key) => CANVAS_TEXTS[key][isChinese ? "zh" : "en"];
    for (const item of element.querySelectorAll("[data-text]")) {
      item.textContent = textOf(item.dataset.text);
    }
    for (const item of element.querySelectorAll("[data-label]")) {
      item.setAttribute("aria-label", textOf(item.dataset.label));
      if (item.matches("button")) item.title = textOf(item.dataset.label);
    }
    originalLabel.title = textOf(originalLabel.dataset.title);
    result.alt = textOf("result_alt");
    photo.alt = textOf("original_alt");
  }

  translate();
  new MutationObserver(translate).observe(document.documentElement, {
    attributeFilter: ["lang"],
  });
  new ResizeObserver(redraw).observe(stage);
  watch("value", receive);
  receive();
}
