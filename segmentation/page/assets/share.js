/** Copy the file to the clipboard, as a PNG with its transparency. */
// biome-ignore lint/correctness/noUnusedVariables: page.js uses it
async function copyFile(file) {
  if (!file) return;
  try {
    // Safari takes the promise of a picture, but no picture that comes after a wait.
    const item = new ClipboardItem({ "image/png": readAsPng(file.url) });
    await navigator.clipboard.write([item]);
    notify("copied");
  } catch {
    notify("copy_impossible");
  }
}

/** Offer the file to the apps of the device. */
// biome-ignore lint/correctness/noUnusedVariables: page.js uses it
async function shareFile(file) {
  if (!file) return;
  const blob = await (await fetch(file.url)).blob();
  const photo = new File([blob], file.orig_name ?? "cutout.png", {
    type: blob.type,
  });
  // A visitor who closes the dialog of their device rejects the promise.
  await navigator.share({ files: [photo] }).catch(() => null);
}

/** Show the button "Share" where the browser can share pictures. */
// biome-ignore lint/correctness/noUnusedVariables: page.js uses it
function showSharing() {
  const probe = new File([], "cutout.png", { type: "image/png" });
  const canShare = navigator.canShare?.({ files: [probe] }) ?? false;
  document.documentElement.classList.toggle("can-share", canShare);
}

async function readAsPng(url) {
  const blob = await (await fetch(url)).blob();
  if (blob.type === "image/png") return blob;
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
