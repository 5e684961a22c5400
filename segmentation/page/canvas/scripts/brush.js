// The first width: a share of the side of a square as large as what is selected, within limits.
const FIRST_SHARE = 0.04;
const FIRST_WIDTHS = [8, 40];
const BRUSH_STEP = 6;

/**
 * The width of the brushes, in screen pixels.
 *
 * It follows what is selected until the visitor chooses one. A fixed width would cover an arm in a
 * small picture.
 */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
class Brush {
  constructor(input) {
    this.input = input;
    this.isChosen = false;
    input.addEventListener("input", () => {
      this.isChosen = true;
    });
  }

  get radius() {
    return this.input.valueAsNumber / 2;
  }

  /** Make it wider by so many steps, or narrower. */
  widen(steps) {
    this.input.valueAsNumber += steps * BRUSH_STEP;
    this.isChosen = true;
  }

  /**
   * Set the first width: for the selected objects, or for the whole photo if there are none.
   *
   * @param wh width and height of the fitted photo, in screen pixels.
   * @param share of the photo that is selected; 0 if nothing is.
   */
  adapt([width, height], share) {
    const side = Math.sqrt(width * height * (share || 1));
    const [least, most] = FIRST_WIDTHS;
    const first = Math.round(FIRST_SHARE * side);
    this.input.valueAsNumber = Math.min(most, Math.max(least, first));
  }
}
