// A press that moves less is a click, in screen pixels.
const CLICK_SLACK = 6;

/**
 * Turn pointers, wheel and pinches on the stage into drags, clicks, pans and zooms.
 *
 * @param stage the element.
 * @param act {pans(event), start(point, event), move(points), end(), cancel(), click(point),
 *   hover(point or null), pan(x, y), zoom(factor, point)}: what to do; `pans` says whether a press
 *   moves the picture, and points are in screen pixels from the stage's corner.
 */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
function followGestures(stage, act) {
  const pointers = new Map();
  let press = null;

  const pointOf = (event) => {
    const { left, top } = stage.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.button === 2 || event.target.closest(".divider")) return;
    const point = pointOf(event);
    pointers.set(event.pointerId, point);
    stage.setPointerCapture(event.pointerId);
    if (pointers.size === 2) {
      if (press && !press.pans) act.cancel();
      press = { pinches: true };
      return;
    }
    if (event.button === 1) event.preventDefault();
    press = { start: point, last: point, pans: act.pans(event), moved: false };
    if (!press.pans) act.start(point, event);
  });

  stage.addEventListener("pointermove", (event) => {
    const point = pointOf(event);
    if (!pointers.has(event.pointerId)) {
      if (event.pointerType !== "touch") act.hover(point);
      return;
    }
    if (press?.pinches) pinch(event.pointerId, point);
    pointers.set(event.pointerId, point);
    if (!press?.start) return;
    press.moved ||= distance(press.start, point) > CLICK_SLACK;
    if (press.pans) act.pan(point[0] - press.last[0], point[1] - press.last[1]);
    else act.move((event.getCoalescedEvents?.() ?? [event]).map(pointOf));
    press.last = point;
    if (event.pointerType !== "touch") act.hover(point);
  });

  stage.addEventListener("pointerup", (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (press?.start && !(press.pans && event.pointerType !== "touch")) {
      if (!press.pans) act.end();
      if (!press.moved) act.click(press.start);
    }
    if (!pointers.size) press = null;
  });

  stage.addEventListener("pointercancel", (event) => {
    pointers.delete(event.pointerId);
    if (press && !press.pans) act.cancel();
    if (!pointers.size) press = null;
  });

  stage.addEventListener("pointerleave", () => act.hover(null));
  stage.addEventListener("auxclick", (event) => event.preventDefault());
  stage.addEventListener(
    "wheel",
    (event) => {
      const factor = Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015));
      // At its smallest, the picture leaves the wheel to the page.
      if (act.zoom(factor, pointOf(event))) event.preventDefault();
    },
    { passive: false },
  );

  function pinch(id, point) {
    const other = [...pointers].find(([otherId]) => otherId !== id)?.[1];
    const before = pointers.get(id);
    if (!other) return;
    const middle = [0, 1].map((axis) => (other[axis] + point[axis]) / 2);
    act.pan((point[0] - before[0]) / 2, (point[1] - before[1]) / 2);
    act.zoom(distance(other, point) / distance(other, before), middle);
  }
}

function distance([x, y], [otherX, otherY]) {
  return Math.hypot(otherX - x, otherY - y);
}

/** What pointers do on the stage, as `followGestures` takes it. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
function gesturesOf(studio) {
  return {
    pans: ({ button, pointerType }) =>
      button === 1 ||
      studio.holdsSpace ||
      (pointerType === "touch" && studio.tool === "pick"),
    start: (pointXy) => {
      studio.stage.focus({ preventScroll: true });
      studio.startDrawing(pointXy);
      studio.redraw();
    },
    move: (pointsXy) => {
      studio.sketch.move(pointsXy);
      studio.redraw();
    },
    end: () => {
      studio.sketch.end();
      studio.redraw();
    },
    cancel: () => {
      studio.sketch.cancel();
      studio.redraw();
    },
    click: (pointXy) => studio.clickAt(pointXy),
    hover: (pointXy) => {
      studio.pointXy = pointXy;
      studio.redraw();
    },
    pan: (x, y) => {
      studio.viewport.panBy(x, y);
      studio.redraw();
    },
    zoom: (factor, pointXy) => {
      const former = studio.viewport.zoom;
      studio.zoomBy(factor, pointXy);
      return studio.viewport.zoom !== former || factor > 1;
    },
  };
}
