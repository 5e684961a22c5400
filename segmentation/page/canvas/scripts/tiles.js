// Wait so long after the last move before the visible part is asked for, and asked for again.
const TILE_MILLISECONDS = 250;
const RETRY_MILLISECONDS = 1000;
const TILE_RETRIES = 12;

/** Asks for the visible part of the picture at full resolution, and places it. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
class Tiles {
  /**
   * @param image the element that shows the part.
   * @param viewport which part of the picture is visible.
   * @param ask sends a request to Python.
   */
  constructor(image, viewport, ask) {
    this.image = image;
    this.viewport = viewport;
    this.ask = ask;
    this.timer = 0;
    // The part that the element shows.
    this.placed = null;
  }

  /**
   * Show the part if it fits, or ask for it if the reduced picture is too coarse.
   *
   * @param tile the part that Python sent last.
   * @param source "result" or "original".
   * @param reducedWidth of the reduced picture, in pixels.
   */
  update(tile, source, reducedWidth) {
    clearTimeout(this.timer);
    const fits = this.fits(tile, source);
    this.image.hidden = !fits || tile !== this.placed;
    const width = (window.devicePixelRatio || 1) * this.viewport.box[2];
    const isSharp =
      width <= 1.05 * reducedWidth ||
      this.viewport.pictureWh[0] <= reducedWidth;
    if (!reducedWidth || isSharp || fits) return;
    const request = () => this.request(source, TILE_RETRIES);
    this.timer = setTimeout(request, TILE_MILLISECONDS);
  }

  request(source, retries) {
    const side =
      (window.devicePixelRatio || 1) * Math.max(...this.viewport.stageWh);
    this.ask({
      box_xyxy: this.viewport.visibleShare,
      side: Math.min(MAX_TILE_SIDE, Math.round(side)),
      source,
    });
    // The file may not be ready.
    const again = () => this.request(source, retries - 1);
    if (retries) this.timer = setTimeout(again, RETRY_MILLISECONDS);
  }

  fits(tile, source) {
    if (!tile || this.viewport.isFitted || tile.source !== source) return false;
    const visible = this.viewport.visibleShare;
    const slack = 1e-3;
    return tile.box_xyxy.every((edge, side) =>
      side < 2 ? edge <= visible[side] + slack : edge >= visible[side] - slack,
    );
  }

  /** Place the element, when it has loaded a part. */
  place(tile) {
    this.placed = tile;
    placeAt(this.image, tile.box_xyxy);
  }
}
