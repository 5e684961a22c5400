// Most points of a stroke that are sent, as `Stroke` takes them.
const PAINTS = ["keep", "erase"];

/** What the canvas shows, and what the visitor does on it. */
class Studio {
  constructor(element, trigger) {
    this.trigger = trigger;
    this.root = element.querySelector(".canvas");
    this.stage = this.find(".stage");
    this.photo = this.find("img.original");
    this.result = this.find("img.result");
    this.brush = this.find(".brush input");
    this.viewport = new Viewport();
    this.overlay = new Overlay(this.find(".overlay"), this.viewport);
    this.divider = new Divider(this.root, this.viewport);
    const tile = this.find("img.tile");
    this.tiles = new Tiles(tile, this.viewport, (data) =>
      trigger("tile", data),
    );
    this.view = null;
    this.objects = null;
    this.shownMode = "result";
    this.tool = "pick";
    this.isPeeking = false;
    this.holdsSpace = false;
    this.pointXy = null;
    // Strokes that Python has not answered, and the one that is being drawn.
    this.strokes = [];
    this.stroke = null;
    this.boxStart = null;
    this.box = null;
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

  /** Whether a point of the picture is the same point of the photo. */
  get showsPhotoFrame() {
    return this.mode !== "result" || Boolean(this.view?.follows_photo);
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
    this.redraw();
  }

  setTool(tool) {
    this.tool = tool;
    for (const button of this.root.querySelectorAll(".tools button")) {
      button.setAttribute("aria-pressed", button.dataset.tool === tool);
    }
    // Strokes and boxes lie on the photo.
    const needsPhoto = tool !== "pick" && !this.showsPhotoFrame;
    if (this.mode === "original" || needsPhoto) this.setMode("objects");
    this.redraw();
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
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    const { view, viewport, stage } = this;
    viewport.stageWh = [stage.clientWidth, stage.clientHeight];
    if (!view || !viewport.stageWh[0]) return;
    viewport.show(this.showsPhotoFrame ? view.photo_wh : view.result_wh);
    const [left, top, width, height] = viewport.box;
    Object.assign(this.find(".scene").style, {
      transform: `translate(${left}px, ${top}px)`,
      width: `${width}px`,
      height: `${height}px`,
    });
    showPicture(this.photo, this.besideResult.url);
    const target = this.targetAt(this.pointXy);
    this.root.dataset.view = this.mode;
    this.root.dataset.tool = this.tool;
    stage.classList.toggle("zoomed", !viewport.isFitted);
    stage.classList.toggle("pan", this.holdsSpace);
    stage.classList.toggle("over", Boolean(target));
    stage.dataset.target = target?.id ?? "";
    this.find(".percent").textContent = `${Math.round(viewport.scale * 100)}%`;
    this.overlay.draw({
      view,
      objects: this.showsPhotoFrame ? this.objects : null,
      photo: this.photo,
      mode: this.mode,
      target,
      strokes: this.stroke ? [...this.strokes, this.stroke] : this.strokes,
      box: this.box,
      brush: this.brushAtPointer(),
    });
    this.divider.draw(this.mode === "result");
    const source = this.mode === "result" ? "result" : "original";
    const reduced = source === "result" ? this.result : this.photo;
    this.tiles.update(view.tile, source, reduced.naturalWidth);
  }

  brushAtPointer() {
    if (!this.isPainting || !this.pointXy) return null;
    const radius = this.brush.valueAsNumber / 2;
    return { mode: this.tool, radius, pointXy: this.pointXy };
  }

  idsAt(pointXy) {
    return this.objects?.idsAt(this.viewport.shareAt(pointXy)) ?? [];
  }

  targetAt(pointXy) {
    const picks = this.tool === "pick" && this.showsPhotoFrame;
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
      Object.assign(this, { objects: null, strokes: [] });
      this.setMode(value.selected.length ? "result" : "objects");
      this.setTool("pick");
    }
    this.find(".notice").textContent = value.notice;
    this.find("[data-step=undo]").disabled = !value.can_undo;
    this.find("[data-step=redo]").disabled = !value.can_redo;
    await Promise.allSettled(this.load(value, former));
    if (this.view !== value) return;
    this.strokes = [];
    this.redraw();
  }

  /** Load the pictures that changed. */
  load(value, former) {
    const loads = [
      showPicture(this.photo, this.besideResult.url),
      showPicture(this.result, value.result.url),
    ];
    const { tile } = value;
    if (tile) {
      const place = () => {
        if (this.view?.tile === tile) this.tiles.place(tile);
      };
      loads.push(showPicture(this.tiles.image, tile.image.url).then(place));
    }
    const { url } = value.object_map;
    if (!this.objects || former?.object_map.url !== url) {
      const keep = (objects) => {
        if (this.view?.object_map.url === url) this.objects = objects;
      };
      loads.push(ObjectMap.load(url).then(keep));
    }
    return loads;
  }

  clickAt(pointXy) {
    const point_xy = this.viewport.shareAt(pointXy);
    const isOnPhoto = point_xy.every((share) => share >= 0 && share <= 1);
    if (!this.view || this.tool !== "pick" || !isOnPhoto) return;
    if (!this.showsPhotoFrame) return;
    const ids = this.idsAt(pointXy);
    // Shown at once; Python's answer decides.
    this.view = viewAfterClick(ids, this.view);
    this.trigger("pick", { point_xy, ids });
    this.redraw();
  }

  startStroke(pointXy) {
    const radius =
      this.brush.valueAsNumber / 2 / Math.max(...this.viewport.box.slice(2));
    this.stroke = {
      mode: this.tool,
      radius: Math.min(0.5, radius),
      points_xy: [this.viewport.shareAt(pointXy)],
    };
  }

  endStroke() {
    const { stroke } = this;
    if (!stroke) return;
    this.stroke = null;
    this.strokes.push(stroke);
    const step = Math.ceil(stroke.points_xy.length / MAX_POINTS);
    const points_xy = stroke.points_xy.filter((_, index) => index % step === 0);
    this.trigger("stroke", { ...stroke, points_xy });
  }

  endBox() {
    const { box } = this;
    Object.assign(this, { box: null, boxStart: null });
    if (!box) return;
    const corners = [box.slice(0, 2), box.slice(2)].flatMap((corner) =>
      this.viewport.shareAt(corner),
    );
    const box_xyxy = corners.map((share) => Math.min(1, Math.max(0, share)));
    if (box_xyxy[0] < box_xyxy[2] && box_xyxy[1] < box_xyxy[3]) {
      this.trigger("box", { box_xyxy });
    }
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
    this.startStroke(this.pointXy);
    this.endStroke();
  }
}

/** Replace a picture when the next one is ready, so that nothing flickers. */
async function showPicture(image, url) {
  if (image.dataset.url === url) return;
  image.dataset.url = url;
  const next = new Image();
  next.src = url;
  // A file that was deleted shows as a missing picture.
  await next.decode().catch(() => undefined);
  if (image.dataset.url === url) image.src = url;
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
  studio.receive(props.value);
}
