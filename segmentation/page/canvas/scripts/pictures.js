/** The pictures of the canvas: those of an answer from Python appear together. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
class Pictures {
  /**
   * @param root the element of the canvas.
   * @param tiles places the part at full resolution.
   * @param redraw is called when an object map or a part has loaded.
   */
  constructor(root, tiles, redraw) {
    this.original = root.querySelector("img.original");
    this.result = root.querySelector("img.result");
    this.subject = root.querySelector("img.subject");
    // The pixels of the objects, whatever stands beside the result.
    this.photo = new Image();
    this.tiles = tiles;
    this.redraw = redraw;
    this.objects = null;
    // The answer that was loaded last, and the one that is loading.
    this.shown = null;
    this.wanted = null;
    // The address of the result's file, once there is one.
    this.file = null;
  }

  /** Show the file in place of the reduced result, so that the browser saves or copies that. */
  showFile() {
    if (this.file) this.result.src = this.file;
  }

  /** Forget the former photo. */
  clear() {
    this.objects = null;
    this.shown = null;
  }

  /** Load the pictures of an answer that changed, and show them. */
  async show(view, originalUrl) {
    const former = this.wanted;
    this.wanted = view;
    this.shown ??= view;
    if (former?.result.url !== view.result.url) this.file = null;
    this.loadTile(view);
    this.loadObjects(view, former);
    const pictures = [
      [this.original, originalUrl],
      [this.photo, view.photo.url],
      [this.result, view.result.url],
    ];
    if (view.placement) {
      pictures.push([this.subject, view.placement.image.url]);
    }
    const loads = pictures.map((picture) => loadPicture(...picture));
    for (const show of await Promise.all(loads)) show();
    if (this.wanted === view) this.shown = view;
  }

  /** Show another original: the photo, or what stands beside the result. */
  async showOriginal(url) {
    (await loadPicture(this.original, url))();
  }

  async loadTile({ tile }) {
    if (!tile) return;
    (await loadPicture(this.tiles.image, tile.image.url))();
    if (this.wanted.tile !== tile) return;
    this.tiles.place(tile);
    this.redraw();
  }

  async loadObjects({ object_map: { url } }, former) {
    if (this.objects && former?.object_map.url === url) return;
    const objects = await ObjectMap.load(url).catch(() => null);
    if (!objects || this.wanted.object_map.url !== url) return;
    this.objects = objects;
    this.redraw();
  }
}

/** Load a picture. Returns a function that shows it in place of the former one. */
async function loadPicture(image, url) {
  if (image.dataset.url === url) return () => undefined;
  image.dataset.url = url;
  const next = new Image();
  next.src = url;
  // A file that was deleted shows as a missing picture.
  await next.decode().catch(() => undefined);
  return () => {
    if (image.dataset.url === url) image.src = url;
  };
}
