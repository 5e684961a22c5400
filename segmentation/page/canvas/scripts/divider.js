/** The line between before and after, which pointers and arrow keys move. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
class Divider {
  constructor(root, viewport) {
    this.root = root;
    this.viewport = viewport;
    this.button = root.querySelector(".split");
    this.handle = root.querySelector(".divider");
    this.share = 0;
    this.handle.addEventListener("pointermove", (event) => {
      if (!event.buttons) return;
      this.handle.setPointerCapture(event.pointerId);
      const { left } = this.handle.parentElement.getBoundingClientRect();
      this.move(viewport.shareAt([event.clientX - left, 0])[0]);
    });
    this.handle.addEventListener("keydown", (event) => {
      const [x] = ARROWS[event.key] ?? [0];
      if (!x) return;
      event.preventDefault();
      event.stopPropagation();
      this.move(this.share + x * 0.05);
    });
  }

  get isOn() {
    return this.button.getAttribute("aria-pressed") === "true";
  }

  /** Switch it on or off; at rest, all of the picture shows what comes after. */
  toggle() {
    this.button.setAttribute("aria-pressed", !this.isOn);
    this.root.classList.toggle("split-view", this.isOn);
    this.move(0);
  }

  move(share) {
    this.share = Math.min(1, Math.max(0, share));
    this.handle.setAttribute("aria-valuenow", Math.round(100 * this.share));
    this.root.style.setProperty("--split", `${100 * this.share}%`);
    this.draw(true);
  }

  /** Put the handle where the picture is now. */
  draw(isResult) {
    this.handle.hidden = !this.isOn || !isResult;
    const x = this.viewport.pointAt([this.share, 0])[0];
    this.handle.style.left = `${Math.min(this.viewport.stageWh[0], Math.max(0, x))}px`;
  }
}
