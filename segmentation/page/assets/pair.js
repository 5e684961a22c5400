// How far an arrow key moves the line, as a share of the width.
const LINE_STEP = 0.02;
const LINE_KEYS = { ArrowLeft: -LINE_STEP, ArrowRight: LINE_STEP };

/** Let keys move the line between two pictures. Gradio's takes pointers alone. */
// biome-ignore lint/correctness/noUnusedVariables: page.js uses it
function giveLineKeys() {
  const line = document.querySelector("#pair [data-testid=slider]");
  if (!line || line.role === "slider") return;
  const label = line.closest(".block").querySelector("label");
  line.role = "slider";
  line.tabIndex = 0;
  line.ariaLabel = label.textContent.trim();
  line.ariaValueMin = 0;
  line.ariaValueMax = 100;
  const report = () => {
    line.ariaValueNow = sharePercent();
  };
  new MutationObserver(report).observe(line, { attributeFilter: ["style"] });
  report();
  line.addEventListener("keydown", (event) => {
    const x = placeAfterKey(event.key, line);
    if (x === null) return;
    event.preventDefault();
    pressAt(line, x);
  });
}

/** The percentage of the width that lies on the left of the line. */
function sharePercent() {
  const right = [...document.querySelectorAll("#pair img")].at(-1);
  const cut = /([\d.]+)%\)$/.exec(right?.style.clipPath);
  return cut ? Math.round(cut[1]) : 50;
}

/** Where a key moves the line, in screen pixels; null if it does not. */
function placeAfterKey(key, line) {
  const { left, right, width } = line.parentElement.getBoundingClientRect();
  if (key === "Home") return left;
  if (key === "End") return right;
  const share = LINE_KEYS[key];
  if (!share) return null;
  const box = line.getBoundingClientRect();
  const x = box.left + box.width / 2 + share * width;
  return Math.min(right, Math.max(left, x));
}

/** Press the mouse where the line is to be: it goes there, as far as the pictures reach. */
function pressAt(line, x) {
  const place = { clientX: x, view: window, bubbles: true };
  line.dispatchEvent(new MouseEvent("mousedown", place));
  line.dispatchEvent(new MouseEvent("mouseup", place));
}
