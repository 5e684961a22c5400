// Most screen pixels for a pixel of the picture.
const MAX_MAGNIFICATION = 8;
const WHOLE_PHOTO = [0, 0, 1, 1];

/** Which part of the picture the stage shows: fitted into it, then enlarged and moved. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
class Viewport {
  constructor() {
    this.stageWh = [1, 1];
    this.pictureWh = [1, 1];
    this.frame = WHOLE_PHOTO;
    this.fit();
  }

  fit() {
    this.zoom = 1;
    this.shiftXy = [0, 0];
  }

  /**
   * Show a picture. If it shows another part of the photo than the one before, what is enlarged
   * stays where it is; a picture that is not a part of the photo is fitted.
   *
   * @param pictureWh its width and height, in pixels.
   * @param frame the part of the photo that it shows, as shares of the photo: left, top, right and
   *   bottom; null if it is not a part.
   */
  show(pictureWh, frame) {
    const isSame =
      pictureWh.join() === this.pictureWh.join() &&
      String(frame) === String(this.frame);
    const middle = this.stageWh.map((side) => side / 2);
    const former = !this.isFitted && this.frame && this.photoPlace(middle);
    Object.assign(this, { pictureWh, frame });
    if (!isSame) {
      this.fit();
      if (former && frame) this.showAgain(former, middle);
    }
    this.panBy(0, 0);
  }

  /** The point of the photo at a point on the stage, and the photo's width there. */
  photoPlace(pointXy) {
    return { share: this.photoShareAt(pointXy), width: this.photoWh[0] };
  }

  /** Move a point of the photo to a point on the stage, and give the photo a width there. */
  showAgain({ share, width }, pointXy) {
    this.zoomBy(width / this.photoWh[0], pointXy);
    const moved = this.photoPointAt(share);
    this.panBy(pointXy[0] - moved[0], pointXy[1] - moved[1]);
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

  /** A point on the stage as shares of the photo, of which the picture shows a part. */
  photoShareAt(pointXy) {
    const [left, top, right, bottom] = this.frame;
    const [x, y] = this.shareAt(pointXy);
    return [left + x * (right - left), top + y * (bottom - top)];
  }

  /** A point of the photo, given as shares, on the stage. */
  photoPointAt([x, y]) {
    const [left, top, right, bottom] = this.frame;
    return this.pointAt([
      (x - left) / (right - left),
      (y - top) / (bottom - top),
    ]);
  }

  /** Width and height of the whole photo, in screen pixels. */
  get photoWh() {
    const [left, top, right, bottom] = this.frame;
    const [width, height] = this.box.slice(2);
    return [width / (right - left), height / (bottom - top)];
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
