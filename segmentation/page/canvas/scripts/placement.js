// Wait so long after the last key or turn of the wheel before Python is told.
const PLACE_MILLISECONDS = 300;
const PLACE_STEP = 0.01;
const SCALE_STEP = 1.05;

/** The subject in another photo, which drags, pinches, handles, wheel and keys move and scale. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
class Placement {
  /**
   * @param root the element of the canvas.
   * @param viewport where the other photo lies on the stage.
   * @param send gives Python a placement: {scale, position_xy}.
   */
  constructor(root, viewport, send) {
    this.root = root;
    this.viewport = viewport;
    this.send = send;
    this.stage = root.querySelector(".stage");
    this.box = root.querySelector(".placement");
    this.image = root.querySelector("img.subject");
    // What Python sent, and what is shown: the middle in shares, and a factor of the size.
    this.sent = null;
    this.centre = [0.5, 0.5];
    this.factor = 1;
    this.pointers = new Map();
    this.grip = null;
    this.timer = 0;
    this.followPointers();
    this.followWheelAndKeys();
  }

  /** Show a placement that Python sent, or none. One that the visitor is changing goes on. */
  receive(sent) {
    if (sent && (this.grip || this.timer)) return;
    this.sent = sent;
    this.reset();
  }

  /** Show what Python sent last. */
  reset() {
    clearTimeout(this.timer);
    Object.assign(this, { timer: 0, grip: null, factor: 1 });
    this.root.classList.remove("placing");
    const [left, top, right, bottom] = this.sent?.box_xyxy ?? WHOLE_PHOTO;
    this.centre = [(left + right) / 2, (top + bottom) / 2];
  }

  change(centre, factor) {
    const [least, most] = SCALES.map((scale) => scale / this.sent.scale);
    this.centre = centre.map((share) => Math.min(1, Math.max(0, share)));
    this.factor = Math.min(most, Math.max(least, factor));
    this.root.classList.add("placing");
    this.draw(true);
  }

  commit() {
    this.timer = 0;
    const scale = this.sent.scale * this.factor;
    this.send({ scale, position_xy: this.centre });
  }

  commitLater() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.commit(), PLACE_MILLISECONDS);
  }

  /** Draw the picture of the subject where it is moved to, and the handles around what is seen. */
  draw(isShown) {
    if (!this.sent || !isShown) {
      this.box.hidden = true;
      return;
    }
    const { boxXyxy: box } = this;
    const visible = this.viewport.visibleShare;
    const seen = box.map((edge, side) =>
      side < 2 ? Math.max(edge, visible[side]) : Math.min(edge, visible[side]),
    );
    placeAt(this.image, box);
    placeAt(this.box, seen);
    this.box.hidden = seen[0] >= seen[2] || seen[1] >= seen[3];
  }

  get boxXyxy() {
    const [left, top, right, bottom] = this.sent.box_xyxy;
    const half = [right - left, bottom - top].map(
      (side) => (side * this.factor) / 2,
    );
    return [-1, 1].flatMap((sign) =>
      this.centre.map((share, axis) => share + sign * half[axis]),
    );
  }

  followPointers() {
    const { box, stage, pointers } = this;
    const follow = (event) => {
      const { left, top } = stage.getBoundingClientRect();
      pointers.set(event.pointerId, [
        event.clientX - left,
        event.clientY - top,
      ]);
    };
    box.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      // The stage would pan.
      event.stopPropagation();
      box.focus({ preventScroll: true });
      box.setPointerCapture(event.pointerId);
      follow(event);
      const isMoved = this.grip?.isMoved ?? false;
      this.grip = this.newGrip(event.target !== box, isMoved);
    });
    box.addEventListener("pointermove", (event) => {
      if (!pointers.has(event.pointerId) || !this.grip) return;
      event.stopPropagation();
      follow(event);
      this.drag();
    });
    box.addEventListener("pointerup", (event) => {
      if (!pointers.delete(event.pointerId) || !this.grip) return;
      const { isMoved } = this.grip;
      this.grip = pointers.size ? this.newGrip(false, isMoved) : null;
      if (!this.grip && isMoved) this.commit();
    });
    box.addEventListener("pointercancel", () => {
      pointers.clear();
      this.reset();
    });
  }

  /** What a drag starts from. */
  newGrip(isHandle, isMoved) {
    clearTimeout(this.timer);
    this.timer = 0;
    const { centre, factor } = this;
    const grip = { centre, factor, isHandle, isMoved };
    return { ...grip, ...this.measure(grip) };
  }

  /** The middle of the pointers, and how far they reach from one another or from the subject. */
  measure({ centre, isHandle }) {
    const [first, other] = this.pointers.values();
    const from = other ?? this.viewport.pointAt(centre);
    const middle = first.map((place, axis) =>
      other ? (place + other[axis]) / 2 : place,
    );
    const scales = other || isHandle;
    return { middle, reach: scales ? Math.max(1, distance(first, from)) : 1 };
  }

  drag() {
    const { grip } = this;
    const { middle, reach } = this.measure(grip);
    const isClick =
      distance(middle, grip.middle) <= CLICK_SLACK && reach === grip.reach;
    if (isClick && !grip.isMoved) return;
    grip.isMoved = true;
    const size = this.viewport.box.slice(2);
    // A handle scales about the middle; all else moves as well.
    const isFixed = grip.isHandle && this.pointers.size === 1;
    const centre = grip.centre.map((share, axis) =>
      isFixed ? share : share + (middle[axis] - grip.middle[axis]) / size[axis],
    );
    this.change(centre, grip.factor * (reach / grip.reach));
  }

  followWheelAndKeys() {
    const changeLater = (event, centre, factor) => {
      event.preventDefault();
      event.stopPropagation();
      this.change(centre, factor);
      this.commitLater();
    };
    this.box.addEventListener(
      "wheel",
      (event) => {
        // Elsewhere, the wheel zooms.
        if (event.target === this.box) return;
        const factor = this.factor * Math.exp(-event.deltaY * 0.0015);
        changeLater(event, this.centre, factor);
      },
      { passive: false },
    );
    this.box.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 5 * PLACE_STEP : PLACE_STEP;
      const move = ARROWS[event.key];
      const power = { "+": 1, "=": 1, "-": -1 }[event.key];
      if (event.ctrlKey || event.metaKey || !(move || power)) return;
      const centre = this.centre.map(
        (share, axis) => share + step * (move?.[axis] ?? 0),
      );
      changeLater(event, centre, this.factor * SCALE_STEP ** (power ?? 0));
    });
  }
}

/** Place an element at a box of its parent: left, top, right and bottom in shares. */
function placeAt(element, [left, top, right, bottom]) {
  Object.assign(element.style, {
    left: `${100 * left}%`,
    top: `${100 * top}%`,
    width: `${100 * (right - left)}%`,
    height: `${100 * (bottom - top)}%`,
  });
}
