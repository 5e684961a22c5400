/** The objects of a photo: which of them lie at a point, and pictures of each. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
class ObjectMap {
  /** Decode a map; red, green and blue hold the ids that further clicks give. */
  static async load(url) {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = newCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    return new ObjectMap(
      context.getImageData(0, 0, canvas.width, canvas.height),
    );
  }

  constructor({ data, width, height }) {
    this.data = data;
    this.widthHeight = [width, height];
    this.boxes = boxesOf(data, width);
    this.masks = new Map();
    this.rims = new Map();
  }

  /** The ids at a point, given as shares of the photo, the one most likely meant first. */
  idsAt([x, y]) {
    const [width, height] = this.widthHeight;
    if (x < 0 || y < 0 || x >= 1 || y >= 1) return [];
    const start = 4 * (Math.floor(y * height) * width + Math.floor(x * width));
    return [...this.data.slice(start, start + 3)].filter((id) => id);
  }

  /** The share of the photo that these objects cover. */
  shareOf(ids) {
    const { data } = this;
    let count = 0;
    for (let from = 0; from < data.length; from += 4) {
      for (let to = from; to < from + 3; to++) {
        if (!ids.includes(data[to])) continue;
        count += 1;
        break;
      }
    }
    return count / (data.length / 4);
  }

  /** Left, top, right and bottom of an object on the map; undefined if it is not there. */
  boxOf(id) {
    return this.boxes.get(id);
  }

  /** A white picture of an object, as large as its box. */
  maskOf(id) {
    if (!this.masks.has(id)) this.masks.set(id, this.drawMask(id));
    return this.masks.get(id);
  }

  /** The outline of an object in a colour, with so many pixels around its box. */
  rimOf(id, colour, thickness) {
    const key = [id, colour, thickness].join(" ");
    if (!this.rims.has(key)) {
      this.rims.set(key, drawRim(this.maskOf(id), colour, thickness));
    }
    return this.rims.get(key);
  }

  drawMask(id) {
    const [left, top, right, bottom] = this.boxOf(id);
    const canvas = newCanvas(right - left, bottom - top);
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    let to = 0;
    for (let y = top; y < bottom; y++) {
      let from = 4 * (y * this.widthHeight[0] + left);
      for (let x = left; x < right; x++, from += 4, to += 4) {
        const { data } = this;
        const isInside =
          data[from] === id || data[from + 1] === id || data[from + 2] === id;
        if (isInside) image.data.fill(255, to, to + 4);
      }
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }
}

function newCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

function boxesOf(data, width) {
  const boxes = new Map();
  for (let from = 0; from < data.length; from++) {
    const id = data[from];
    if (!id || from % 4 === 3) continue;
    const pixel = from >> 2;
    const x = pixel % width;
    const y = (pixel - x) / width;
    const box = boxes.get(id);
    if (!box) {
      boxes.set(id, [x, y, x + 1, y + 1]);
      continue;
    }
    if (x < box[0]) box[0] = x;
    if (x >= box[2]) box[2] = x + 1;
    if (y >= box[3]) box[3] = y + 1;
  }
  return boxes;
}

function drawRim(mask, colour, thickness) {
  const canvas = newCanvas(
    mask.width + 2 * thickness,
    mask.height + 2 * thickness,
  );
  const context = canvas.getContext("2d");
  for (let step = 0; step < 16; step++) {
    const angle = (step * Math.PI) / 8;
    const x = thickness * (1 + Math.cos(angle));
    context.drawImage(mask, x, thickness * (1 + Math.sin(angle)));
  }
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.globalCompositeOperation = "destination-out";
  context.drawImage(mask, thickness, thickness);
  return canvas;
}
