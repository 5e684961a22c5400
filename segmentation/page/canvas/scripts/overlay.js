// Share of black over what is not chosen, and of colour over what the pointer is on.
const SHADE = 0.45;
const TINT = 0.35;
const BRUSH_COLOURS = { keep: "#16a34a", erase: "#dc2626" };

/** Draws over the pictures: objects, strokes that are not answered yet, a box, the brush. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
class Overlay {
  constructor(canvas, viewport) {
    this.canvas = canvas;
    this.viewport = viewport;
  }

  /**
   * Draw everything again.
   *
   * @param scene {view, objects, photo, mode, target, strokes, box, trace, brush}: the value of
   *   the canvas, its object map, an image of the photo, what is looked at, the object that a click
   *   would change, what is being drawn, and the brush at the pointer.
   */
  draw(scene) {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = this.viewport.stageWh;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.context = this.canvas.getContext("2d");
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (scene.objects && scene.mode === "objects") this.drawObjects(scene);
    if (scene.objects && scene.target && scene.mode !== "original") {
      this.drawTarget(scene);
    }
    for (const stroke of scene.strokes) this.drawStroke(stroke);
    if (scene.box) this.drawBox(scene.box);
    if (scene.trace.length > 1) this.drawTrace(scene.trace);
    if (scene.brush) this.drawBrush(scene.brush);
  }

  drawObjects({ view, objects }) {
    const { context } = this;
    context.fillStyle = `rgb(0 0 0 / ${SHADE})`;
    context.fillRect(...this.viewport.box);
    context.globalCompositeOperation = "destination-out";
    // The map of the objects may still be on its way.
    const known = view.objects.filter(({ id }) => objects.boxOf(id));
    const selected = known.filter(({ id }) => view.selected.includes(id));
    for (const { id } of selected) this.place(objects, id, objects.maskOf(id));
    context.globalCompositeOperation = "source-over";
    for (const { id, colour } of known) this.drawRim(objects, id, colour);
    for (const { id, colour, number_xy } of known) {
      this.drawNumber(id, colour, this.viewport.photoPointAt(number_xy));
    }
  }

  /** The object that a click would add, in its own pixels, or the one that it would remove. */
  drawTarget({ view, objects, photo, mode, target }) {
    const { context } = this;
    const object = view.objects.find(({ id }) => id === target.id);
    if (!object || !objects.boxOf(target.id)) return;
    if (target.isAdded && mode === "result" && photo.naturalWidth) {
      this.place(objects, target.id, pieceOf(objects, target.id, photo));
    }
    context.globalAlpha = TINT;
    const tint = tinted(objects.maskOf(target.id), object.colour);
    this.place(objects, target.id, tint);
    context.globalAlpha = 1;
    this.drawRim(objects, target.id, "#ffffff", 2);
    this.drawRim(objects, target.id, object.colour);
  }

  /** Draw a picture of an object at its place. */
  place(objects, id, image) {
    const [left, top, right, bottom] = objects.boxOf(id);
    const [x, y] = this.toStage(objects, left, top);
    const [xEnd, yEnd] = this.toStage(objects, right, bottom);
    this.context.drawImage(image, x, y, xEnd - x, yEnd - y);
  }

  drawRim(objects, id, colour, extra = 0) {
    const pixels = objects.widthHeight[0] / this.viewport.photoWh[0];
    const thickness = Math.max(1, Math.round((2 + extra) * pixels));
    const [left, top, right, bottom] = objects.boxOf(id);
    const [x, y] = this.toStage(objects, left - thickness, top - thickness);
    const end = this.toStage(objects, right + thickness, bottom + thickness);
    const rim = objects.rimOf(id, colour, thickness);
    this.context.drawImage(rim, x, y, end[0] - x, end[1] - y);
  }

  drawNumber(id, colour, [x, y]) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, 11, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
    context.strokeStyle = "#fff";
    context.lineWidth = 1.5;
    context.stroke();
    context.fillStyle = "#000";
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(id, x, y + 0.5);
  }

  drawStroke({ mode, radius, points_xy }) {
    const { context, viewport } = this;
    const points = points_xy.map((point) => viewport.photoPointAt(point));
    context.beginPath();
    context.moveTo(...points[0]);
    for (const point of points) context.lineTo(...point);
    context.lineTo(...points.at(-1));
    context.lineWidth = 2 * radius * Math.max(...viewport.photoWh);
    context.lineCap = "round";
    context.lineJoin = "round";
    context.strokeStyle = BRUSH_COLOURS[mode];
    context.globalAlpha = 0.5;
    context.stroke();
    context.globalAlpha = 1;
  }

  drawBox([left, top, right, bottom]) {
    const { context } = this;
    context.setLineDash([6, 4]);
    for (const [colour, offset] of [
      ["#000", 0],
      ["#fff", 5],
    ]) {
      context.strokeStyle = colour;
      context.lineDashOffset = offset;
      context.lineWidth = 1.5;
      context.strokeRect(left, top, right - left, bottom - top);
    }
    context.setLineDash([]);
  }

  drawTrace(points) {
    const { context } = this;
    context.beginPath();
    for (const point of points) context.lineTo(...point);
    context.lineCap = "round";
    context.lineJoin = "round";
    for (const [colour, width] of [
      ["#000", 6],
      ["#fff", 4],
    ]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    }
  }

  drawBrush({ mode, radius, pointXy }) {
    const { context } = this;
    for (const [colour, width] of [
      ["#fff", 3],
      [BRUSH_COLOURS[mode], 1.5],
    ]) {
      context.beginPath();
      context.arc(...pointXy, radius, 0, 2 * Math.PI);
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    }
  }

  toStage(objects, column, row) {
    const [width, height] = objects.widthHeight;
    return this.viewport.photoPointAt([column / width, row / height]);
  }
}

function tinted(mask, colour) {
  const canvas = newCanvas(mask.width, mask.height);
  const context = canvas.getContext("2d");
  context.drawImage(mask, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}

/** The pixels of the photo in an object. */
function pieceOf(objects, id, photo) {
  const [left, top] = objects.boxOf(id);
  const mask = objects.maskOf(id);
  const canvas = newCanvas(mask.width, mask.height);
  const context = canvas.getContext("2d");
  context.drawImage(mask, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.drawImage(photo, -left, -top, ...objects.widthHeight);
  return canvas;
}
