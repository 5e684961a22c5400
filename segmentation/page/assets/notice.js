const NOTICE_MILLISECONDS = 4000;
const notice = { texts: {}, uploads: 0, timer: 0 };

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
  show(key);
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => show(null), NOTICE_MILLISECONDS);
}

function show(key) {
  const line = document.getElementById("notice");
  const shown = key ?? (notice.uploads ? "uploading" : null);
  line.textContent = shown ? notice.texts[shown][pageLanguage()] : "";
}

/** Gradio's upload buttons do not show that they work. */
function watchUploads() {
  const send = window.fetch;
  window.fetch = (resource, options) => {
    const response = send(resource, options);
    const address = new URL(resource.url ?? resource, document.baseURI);
    if (!address.pathname.endsWith("/upload")) return response;
    notice.uploads += 1;
    show(null);
    return response.finally(() => {
      notice.uploads -= 1;
      show(null);
    });
  };
}
