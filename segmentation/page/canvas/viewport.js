// Most screen pixels for a pixel of the picture.
const MAX_MAGNIFICATION = 8;

/** Which part of the picture the stage shows: fitted into it, then enlarged and moved. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
class Viewport {
  constructor() {
    this.stageWh = [1, 1];
    this.pictureWh = [1, 1];
    this.fit();
  }

  fit() {
    this.zoom = 1;
    this.shiftXy = [0, 0];
  }

  /** Show a picture of this width and height; one of another size is fitted. */
  show(pictureWh) {
    if (pictureWh.join() !== this.pictureWh.join()) this.fit();
    this.pictureWh = pictureWh;
    this.panBy(0, 0);
  }

  get isFitted() {
    return this.zoom === 1;
  }

  /** Screen pixels for a pixel of the picture when it is fitted. */
  get fittedScale() {
    return Math.min(
      this.stageWh[0] / this.pictureWh[0],
      this.stageWh[1] / this.pictureWh[1],
      2,
    );
  }

  /** Screen pixels for a pixel of the picture. */
  get scale() {
    return this.fittedScale * this.zoom;
  }

  /** Left, top, width and height of the picture on the stage, in screen pixels. */
  get box() {
    const [width, height] = this.pictureWh.map((side) => side * this.scale);
    return [
      (this.stageWh[0] - width) / 2 + this.shiftXy[0],
      (this.stageWh[1] - height) / 2 + this.shiftXy[1],
      width,
      height,
    ];
  }

  /** A point on the stage as shares of the picture. */
  shareAt([x, y]) {
    const [left, top, width, height] = this.box;
    return [(x - left) / width, (y - top) / height];
  }

  /** A point of the picture, given as shares, on the stage. */
  pointAt([x, y]) {
    const [left, top, width, height] = this.box;
    return [left + x * width, top + y * height];
  }

  /** Enlarge by a factor around a point on the stage. */
  zoomBy(factor, pointXy) {
    const most = Math.max(1, MAX_MAGNIFICATION / this.fittedScale);
    const share = this.shareAt(pointXy);
    this.zoom = Math.min(most, Math.max(1, this.zoom * factor));
    const moved = this.pointAt(share);
    this.panBy(pointXy[0] - moved[0], pointXy[1] - moved[1]);
  }

  /** Move by screen pixels; a part of the picture stays on the stage. */
  panBy(x, y) {
    const [, , width, height] = this.box;
    const slack = [width, height].map((side, axis) =>
      Math.max(0, (side - this.stageWh[axis]) / 2),
    );
    this.shiftXy = [this.shiftXy[0] + x, this.shiftXy[1] + y].map(
      (shift, axis) => Math.min(slack[axis], Math.max(-slack[axis], shift)),
    );
  }

  /** The visible part of the picture: left, top, right and bottom as shares. */
  get visibleShare() {
    const corners = [...this.shareAt([0, 0]), ...this.shareAt(this.stageWh)];
    return corners.map((share) => Math.min(1, Math.max(0, share)));
  }
}
