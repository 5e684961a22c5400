// A shorter line is a click that slipped, in screen pixels.
const MIN_TRACE = 24;

/** What the visitor draws on the photo: strokes, boxes and lines over objects. */
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
    Object.assign(this, { stroke: null, boxStart: null, box: null, trace: [] });
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

  /** Start a line over an object that was not found. */
  startTrace(pointXy) {
    this.trace = [pointXy];
  }

  move(pointsXy) {
    if (this.trace.length) this.trace.push(...pointsXy);
    for (const point of this.stroke ? pointsXy : []) {
      this.stroke.points_xy.push(this.viewport.photoShareAt(point));
    }
    if (this.boxStart) this.box = boxBetween(this.boxStart, pointsXy.at(-1));
  }

  /** Send what was drawn. */
  end() {
    const { stroke, box, trace } = this;
    this.cancel();
    if (stroke) this.sendStroke(stroke);
    if (box) this.sendBox(box, []);
    if (isLong(trace)) this.sendBox(boxAround(trace), trace);
  }

  sendStroke(stroke) {
    this.sent.push(stroke);
    const points_xy = thin(stroke.points_xy, MAX_POINTS);
    this.trigger("stroke", { ...stroke, points_xy });
  }

  sendBox(box, trace) {
    const corners = [box.slice(0, 2), box.slice(2)].flatMap((corner) =>
      this.viewport.photoShareAt(corner),
    );
    const box_xyxy = corners.map((share) => Math.min(1, Math.max(0, share)));
    if (box_xyxy[0] < box_xyxy[2] && box_xyxy[1] < box_xyxy[3]) {
      const trace_xy = thin(trace, MAX_TRACE_POINTS).map((point) =>
        this.viewport.photoShareAt(point),
      );
      this.trigger("box", { box_xyxy, trace_xy });
    }
  }
}

function isLong(trace) {
  return trace.some((point) => distance(trace[0], point) >= MIN_TRACE);
}

/** Up to so many points of a line, its ends among them. */
function thin(points, most) {
  const last = points.length - 1;
  const step = Math.ceil(last / (most - 1));
  return points.filter((_, index) => index % step === 0 || index === last);
}

/** The box around points, at least a screen pixel wide and high. */
function boxAround(points) {
  const low = [0, 1].map((axis) => Math.min(...points.map((p) => p[axis])));
  const high = [0, 1].map((axis) => Math.max(...points.map((p) => p[axis])));
  return boxBetween(low, [
    Math.max(high[0], low[0] + 1),
    Math.max(high[1], low[1] + 1),
  ]);
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
