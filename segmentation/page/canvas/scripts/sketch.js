/** What the visitor draws on the photo: strokes and boxes, until Python has answered. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
class Sketch {
  /**
   * @param viewport where the photo lies on the stage.
   * @param trigger sends an event to Python.
   */
  constructor(viewport, trigger) {
    this.viewport = viewport;
    this.trigger = trigger;
    this.clear();
  }

  /** Forget everything. */
  clear() {
    // Strokes that Python has not answered.
    this.sent = [];
    this.cancel();
  }

  /** Forget what is being drawn. */
  cancel() {
    Object.assign(this, { stroke: null, boxStart: null, box: null });
  }

  get strokes() {
    return this.stroke ? [...this.sent, this.stroke] : this.sent;
  }

  /** Start a stroke; its radius is in screen pixels. */
  startStroke(mode, radius, pointXy) {
    this.stroke = {
      mode,
      radius: Math.min(0.5, radius / Math.max(...this.viewport.photoWh)),
      points_xy: [this.viewport.photoShareAt(pointXy)],
    };
  }

  startBox(pointXy) {
    this.boxStart = pointXy;
  }

  move(pointsXy) {
    for (const point of this.stroke ? pointsXy : []) {
      this.stroke.points_xy.push(this.viewport.photoShareAt(point));
    }
    if (this.boxStart) this.box = boxBetween(this.boxStart, pointsXy.at(-1));
  }

  /** Send what was drawn. */
  end() {
    const { stroke, box } = this;
    this.cancel();
    if (stroke) this.sendStroke(stroke);
    if (box) this.sendBox(box);
  }

  sendStroke(stroke) {
    this.sent.push(stroke);
    this.trigger("stroke", { ...stroke, points_xy: thin(stroke.points_xy) });
  }

  sendBox(box) {
    const corners = [box.slice(0, 2), box.slice(2)].flatMap((corner) =>
      this.viewport.photoShareAt(corner),
    );
    const box_xyxy = corners.map((share) => Math.min(1, Math.max(0, share)));
    if (box_xyxy[0] < box_xyxy[2] && box_xyxy[1] < box_xyxy[3]) {
      this.trigger("box", { box_xyxy });
    }
  }
}

/** Up to MAX_POINTS points of a line, its ends among them. */
function thin(points) {
  const last = points.length - 1;
  const step = Math.ceil(last / (MAX_POINTS - 1));
  return points.filter((_, index) => index % step === 0 || index === last);
}

/** The box between two points: left, top, right, bottom. */
function boxBetween([x, y], [otherX, otherY]) {
  return [
    Math.min(x, otherX),
    Math.min(y, otherY),
    Math.max(x, otherX),
    Math.max(y, otherY),
  ];
}
