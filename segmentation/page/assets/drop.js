const MAX_DROPPED_FILES = 1000;
// Files of a folder that browsers give no image type to.
const PHOTO_ENDING = /\.(heic|heif|avif|jfif|jpe?g_large|tiff?)$/i;

/**
 * Take photos that are dropped or pasted anywhere on the page.
 *
 * On the tab for many photos they are added there, elsewhere they replace the open photo. The
 * browser never opens what is dropped beside a box.
 */
// biome-ignore lint/correctness/noUnusedVariables: page.js uses it
function acceptPhotosAnywhere() {
  addEventListener("dragenter", showOverlay, true);
  addEventListener("dragover", acceptDrag, true);
  addEventListener("dragleave", leave, true);
  addEventListener("drop", takeDrop, true);
  addEventListener("paste", takePaste);
}

/** Open the browser's dialog that chooses a photo. */
// biome-ignore lint/correctness/noUnusedVariables: page.js uses it
function choosePhoto() {
  photoInput().click();
}

function showOverlay(event) {
  if (!carriesFiles(event)) return;
  const root = document.documentElement;
  root.dataset.drop = batchInput() ? "batch" : "photo";
}

function acceptDrag(event) {
  if (isTextDrag(event)) return;
  event.preventDefault();
  event.stopPropagation();
}

function leave(event) {
  if (!event.relatedTarget) delete document.documentElement.dataset.drop;
}

async function takeDrop(event) {
  delete document.documentElement.dataset.drop;
  if (isTextDrag(event)) return;
  event.preventDefault();
  event.stopPropagation();
  const backdrop = event.target.closest?.(".backdrop");
  const files = await droppedFiles(event.dataTransfer);
  if (backdrop) putInto(backdrop.querySelector("input"), files.slice(0, 1));
  else give(files);
}

function takePaste(event) {
  const { files = [], types = [] } = event.clipboardData ?? {};
  // Copied cells of a table, for example, are both a text and a picture.
  const isText = isTextField(event.target) && types.includes("text/plain");
  if (!files.length || isText) return;
  event.preventDefault();
  give([...files]);
}

/** Give files to the tab that is open. */
function give(files) {
  const batch = batchInput();
  if (batch) {
    putInto(batch, files);
    return;
  }
  showFirstTab();
  putInto(photoInput(), files.slice(0, 1));
}

function showFirstTab() {
  document.querySelector("#tabs > .tab-wrapper [role=tab]")?.click();
}

function putInto(input, files) {
  if (!input || !files.length) return;
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

/** The hidden input of the button that chooses a photo. */
function photoInput() {
  return document.querySelector("#drop input[type=file]");
}

/** The input for many photos, if its tab is open. */
function batchInput() {
  const inputs = document.querySelectorAll("input[type=file][multiple]");
  return [...inputs].find(
    (input) => input.closest("[role=tabpanel]")?.offsetParent,
  );
}

function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files");
}

/** Whether a text is dragged into a field. */
function isTextDrag(event) {
  return isTextField(event.target) && !carriesFiles(event);
}

function isTextField(target) {
  return target.closest?.(
    "textarea, input:not([type=file], [type=range], [type=checkbox], [type=radio])",
  );
}

/** The dropped files, and the photos in dropped folders. */
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some((entry) => entry?.isDirectory)) return [...transfer.files];
  const files = [];
  for (const entry of entries) await collect(entry, files, true);
  return files;
}

async function collect(entry, files, isDropped) {
  if (!entry || files.length >= MAX_DROPPED_FILES) return;
  if (entry.isFile) {
    const file = await new Promise((done, fail) => entry.file(done, fail));
    const isPhoto =
      file.type.startsWith("image/") || PHOTO_ENDING.test(file.name);
    if (isDropped || isPhoto) files.push(file);
    return;
  }
  for (const child of await childrenOf(entry)) {
    await collect(child, files, false);
  }
}

/** The entries of a folder by their names: browsers list them in any order. */
async function childrenOf(folder) {
  const reader = folder.createReader();
  const children = [];
  // A reader returns its entries in parts, the last of which is empty.
  for (;;) {
    const part = await new Promise((done, fail) =>
      reader.readEntries(done, fail),
    );
    if (!part.length) break;
    children.push(...part);
  }
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  return children.sort((one, other) => compare(one.name, other.name));
}
