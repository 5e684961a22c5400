const PAINTS = ["keep", "erase"];

/** What the canvas shows, and what the visitor does on it. */
class Studio {
  constructor(element, trigger) {
    this.trigger = trigger;
    this.root = element.querySelector(".canvas");
    this.stage = this.find(".stage");
    this.brush = new Brush(this.find(".brush input"));
    this.viewport = new Viewport();
    this.overlay = new Overlay(this.find(".overlay"), this.viewport);
    this.divider = new Divider(this.root, this.viewport);
    const tile = this.find("img.tile");
    this.tiles = new Tiles(tile, this.viewport, (data) =>
      trigger("tile", data),
    );
    this.pictures = new Pictures(this.root, this.tiles, () => this.redraw());
    this.sketch = new Sketch(this.viewport, trigger);
    this.placement = new Placement(this.root, this.viewport, (data) =>
      trigger("place", data),
    );
    this.view = null;
    this.shownMode = "result";
    this.tool = "pick";
    this.isPeeking = false;
    this.holdsSpace = false;
    this.pointXy = null;
    this.hint = null;
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  get mode() {
    return this.isPeeking ? "original" : this.shownMode;
  }

  get isPainting() {
    return PAINTS.includes(this.tool);
  }

  /** The part of the photo that is shown, as shares; null if the picture is none. */
  get frame() {
    const { shown } = this.pictures;
    return this.mode === "result" ? shown.frame_xyxy : WHOLE_PHOTO;
  }

  /** Whether the subject can be moved in the picture. */
  get canPlace() {
    return this.mode === "result" && Boolean(this.view?.placement);
  }

  /** The file of the original: the photo, or what stands beside a result in another frame. */
  get besideResult() {
    const { before, photo } = this.view;
    return this.mode === "result" && before ? before : photo;
  }

  setMode(mode) {
    this.shownMode = mode;
    for (const input of this.root.querySelectorAll(".views input")) {
      input.checked = input.value === mode;
    }
    this.matchTool();
    this.say(null);
    this.redraw();
  }

  /** A placed subject takes one tool, and all else the others. */
  matchTool() {
    if (this.canPlace !== (this.tool === "move")) {
      this.showTool(this.canPlace ? "move" : "pick");
    }
  }

  showTool(tool) {
    this.tool = tool;
    for (const button of this.root.querySelectorAll(".tools button")) {
      button.setAttribute("aria-pressed", button.dataset.tool === tool);
    }
  }

  setTool(tool) {
    if (!this.view) return;
    if (tool === "move") {
      if (this.view.placement) this.setMode("result");
      return;
    }
    // Objects, strokes and boxes lie on the photo.
    const hint = this.canPlace ? "on_photo" : null;
    if (this.mode === "original" || !this.frame) this.setMode("objects");
    this.say(hint);
    this.showTool(tool);
    if (this.isPainting && !this.brush.isChosen) this.adaptBrush();
    this.redraw();
  }

  adaptBrush() {
    // Another mode may fit the photo to another size.
    this.draw();
    const { viewport, view, pictures } = this;
    const fittedWh = viewport.photoWh.map((side) => side / viewport.zoom);
    const share = pictures.objects?.shareOf(view.selected) ?? 0;
    this.brush.adapt(fittedWh, share);
  }

  /** Say something, by its key in CANVAS_TEXTS, or else what Python says. */
  say(hint) {
    this.hint = hint;
    const text = hint ? canvasText(hint) : (this.view?.notice ?? "");
    const notice = this.find(".notice");
    // Screen readers read each change.
    if (notice.textContent !== text) notice.textContent = text;
  }

  peek(isPeeking) {
    if (this.isPeeking === isPeeking) return;
    this.isPeeking = isPeeking;
    this.redraw();
  }

  zoomBy(factor, pointXy = this.viewport.stageWh.map((side) => side / 2)) {
    this.viewport.zoomBy(factor, pointXy);
    this.redraw();
  }

  redraw() {
    cancelAnimationFrame(this.drawing);
    this.drawing = requestAnimationFrame(() => this.draw());
  }

  draw() {
    const { view, viewport, stage } = this;
    viewport.stageWh = [stage.clientWidth, stage.clientHeight];
    if (!view || !viewport.stageWh[0]) return;
    const { shown, original, photo, result } = this.pictures;
    const showsFile = this.mode === "result" && shown.before;
    viewport.show(showsFile ? shown.result_wh : shown.photo_wh, this.frame);
    const [left, top, width, height] = viewport.box;
    Object.assign(this.find(".scene").style, {
      transform: `translate(${left}px, ${top}px)`,
      width: `${width}px`,
      height: `${height}px`,
    });
    this.pictures.showOriginal(this.besideResult.url);
    const target = this.targetAt(this.pointXy);
    this.root.dataset.view = this.mode;
    this.root.dataset.tool = this.tool;
    this.root.classList.toggle("tracing", this.sketch.trace.length > 1);
    stage.classList.toggle("zoomed", !viewport.isFitted);
    stage.classList.toggle("pan", this.holdsSpace);
    stage.classList.toggle("over", Boolean(target));
    stage.dataset.target = target?.id ?? "";
    this.find(".percent").textContent = `${Math.round(viewport.scale * 100)}%`;
    this.overlay.draw({
      view,
      objects: this.frame && this.pictures.objects,
      photo,
      mode: this.mode,
      target,
      strokes: this.frame ? this.sketch.strokes : [],
      box: this.sketch.box,
      trace: this.sketch.trace,
      brush: this.brushAtPointer(),
    });
    this.divider.draw(this.mode === "result");
    this.placement.draw(this.canPlace);
    const source = this.mode === "result" ? "result" : "original";
    const reduced = source === "result" ? result : original;
    this.tiles.update(view.tile, source, reduced.naturalWidth);
  }

  brushAtPointer() {
    if (!this.isPainting || !this.pointXy) return null;
    const { radius } = this.brush;
    return { mode: this.tool, radius, pointXy: this.pointXy };
  }

  idsAt(pointXy) {
    const share = this.viewport.photoShareAt(pointXy);
    return this.pictures.objects?.idsAt(share) ?? [];
  }

  targetAt(pointXy) {
    const picks = this.tool === "pick" && this.frame;
    if (!picks || !pointXy || this.mode === "original") return undefined;
    return targetOf(this.idsAt(pointXy), this.view);
  }

  /** Show what Python sent: a CanvasView as JSON, or null. */
  async receive(value) {
    const former = this.view;
    this.view = value?.photo ? value : null;
    if (!this.view) return;
    if (former?.photo.url !== value.photo.url) {
      this.viewport.fit();
      this.pictures.clear();
      this.sketch.clear();
      this.showTool("pick");
      this.setMode(value.selected.length ? "result" : "objects");
    } else if (value.placement && !former.placement) {
      this.setMode("result");
    }
    this.matchTool();
    this.find("[data-tool=move]").hidden = !value.placement;
    this.say(this.hint);
    this.find("[data-step=undo]").disabled = !value.can_undo;
    this.find("[data-step=redo]").disabled = !value.can_redo;
    await this.pictures.show(value, this.besideResult.url);
    if (this.pictures.shown !== value) return;
    this.placement.receive(value.placement);
    this.draw();
  }

  /** End an event: show the last answer, whether it is to this event or the event was refused. */
  async settle(name, value) {
    await this.receive(value);
    if (name === "stroke") this.sketch.sent.shift();
    this.redraw();
  }

  clickAt(pointXy) {
    if (!this.view || !this.frame || this.tool !== "pick") return;
    const point_xy = this.viewport.photoShareAt(pointXy);
    if (!point_xy.every((share) => share >= 0 && share <= 1)) return;
    const ids = this.idsAt(pointXy);
    this.say(null);
    // Shown at once; Python's answer decides.
    this.view = viewAfterClick(ids, this.view);
    this.trigger("pick", { point_xy, ids });
    this.redraw();
  }

  startDrawing(pointXy) {
    if (!this.view || !this.frame) return;
    this.say(null);
    if (this.isPainting) {
      this.sketch.startStroke(this.tool, this.brush.radius, pointXy);
    }
    if (this.tool === "box") this.sketch.startBox(pointXy);
    if (this.tool === "pick") this.sketch.startTrace(pointXy);
  }

  /** Move the pointer by keys, by a share of the picture. */
  movePointer(direction, share) {
    const from = this.pointXy ?? this.viewport.pointAt([0.5, 0.5]);
    const moved = this.viewport.shareAt(from).map((place, axis) => {
      const next = place + share * direction[axis];
      return Math.min(0.999, Math.max(0, next));
    });
    this.pointXy = this.viewport.pointAt(moved);
  }

  pressAtPointer() {
    if (!this.pointXy) return;
    this.clickAt(this.pointXy);
    if (!this.isPainting) return;
    this.startDrawing(this.pointXy);
    this.sketch.end();
  }
}

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
  const studio = new Studio(element, trigger);
  const translate = () => translateCanvas(studio.root);
  followGestures(studio.stage, gesturesOf(studio));
  wireButtons(studio);
  wireKeys(studio);
  translate();
  new MutationObserver(translate).observe(document.documentElement, {
    attributeFilter: ["lang"],
  });
  new ResizeObserver(() => studio.redraw()).observe(studio.stage);
  watch("value", () => studio.receive(props.value));
  // At the end of each edit, successful or not: see edit_wiring.py.
  studio.root.addEventListener("settle", ({ detail }) =>
    studio.settle(detail.event, detail.value),
  );
  studio.root.addEventListener("file", ({ detail }) => {
    studio.pictures.file = detail;
  });
  studio.stage.addEventListener("contextmenu", () =>
    studio.pictures.showFile(),
  );
  studio.receive(props.value);
}
