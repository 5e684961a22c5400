const NOTICE_MILLISECONDS = 4000;
const notice = { texts: {}, key: null, uploads: new Set(), timer: 0 };

/**
 * Make the line that floats above the page: what is being uploaded, and what was copied.
 *
 * @param texts The texts by key, in both languages.
 */
// biome-ignore lint/correctness/noUnusedVariables: page.js uses it
function startNotices(texts) {
  notice.texts = texts;
  const line = document.createElement("p");
  line.id = "notice";
  line.role = "status";
  document.querySelector(".gradio-container").append(line);
  watchUploads();
}

/** Show a text for a short time. */
// biome-ignore lint/correctness/noUnusedVariables: share.js calls it
function notify(key) {
  notice.key = key;
  show();
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => {
    notice.key = null;
    show();
  }, NOTICE_MILLISECONDS);
}

function show() {
  const { key, uploads, texts } = notice;
  const line = document.getElementById("notice");
  const shown = key ?? (uploads.size ? "uploading" : null);
  const text = shown ? texts[shown][pageLanguage()] : "";
  // Screen readers read each new text, but not what the style sheet adds.
  if (line.textContent !== text) line.textContent = text;
  line.dataset.share = shown === "uploading" ? uploadedShare() : "";
}

/** How much of all uploads has been sent, such as 42%; empty if that is not known. */
function uploadedShare() {
  const sum = (key) =>
    [...notice.uploads].reduce((total, upload) => total + upload[key], 0);
  const total = sum("total");
  const percent = new Intl.NumberFormat(pageLanguage(), { style: "percent" });
  return total ? ` ${percent.format(sum("loaded") / total)}` : "";
}

/** Gradio's upload buttons do not show that they work. */
function watchUploads() {
  const send = window.fetch;
  window.fetch = (resource, options) => {
    const address = new URL(resource.url ?? resource, document.baseURI);
    if (!address.pathname.endsWith("/upload")) return send(resource, options);
    const upload = { loaded: 0, total: 0 };
    notice.uploads.add(upload);
    show();
    return post(address, options, ({ loaded, total }) => {
      Object.assign(upload, { loaded, total });
      show();
    }).finally(() => {
      notice.uploads.delete(upload);
      show();
    });
  };
}

/**
 * Send a form as `fetch` does, which does not tell how much of it has been sent.
 *
 * @param address of the server.
 * @param options of `fetch`.
 * @param report is called with each event of the progress.
 */
function post(address, { headers = {}, body }, report) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    for (const [name, value] of Object.entries(headers)) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = report;
    request.onload = () => {
      const { status, response } = request;
      resolve(new Response(response, { status }));
    };
    request.onerror = () => reject(new TypeError("Failed to fetch"));
    request.send(body);
  });
}
