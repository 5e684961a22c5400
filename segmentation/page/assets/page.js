const SLIDER_NAME = /^(?:number input|range slider) for (.+)/;
const TRANSLATED_TEXTS = ".toast-body *, .meta-text, .meta-text-center";

/**
 * Add what Gradio's page lacks: drops, paste, and names for screen readers.
 *
 * @param strings Gradio's own texts and names of controls, and ours, in both languages.
 */
// biome-ignore lint/correctness/noUnusedVariables: theme.py appends the call
function startPage(strings) {
  document.addEventListener("keyup", releaseSlider);
  document.addEventListener("click", followHeaderLink);
  // Events call these.
  Object.assign(window, { choosePhoto, copyFile, forgetExample, shareFile });
  leaveInputsAlone();
  acceptPhotosAnywhere();
  followFocus();
  startNotices(strings.notices);
  showSharing();
  new MutationObserver(() => {
    const language = pageLanguage();
    setStyleTexts(strings.styleTexts, language);
    if (language === "zh") translateTexts(strings.texts);
    translateNames(strings.names, language);
    nameImages();
    giveLineKeys();
    simplifyToasts();
    keepFocus();
  }).observe(document.body, {
    childList: true,
    characterData: true,
    subtree: true,
    attributeFilter: ["aria-label", "title", "src"],
  });
}

/** Texts that the style sheet shows, as custom properties. */
function setStyleTexts(texts, language) {
  for (const [name, text] of Object.entries(texts)) {
    const value = JSON.stringify(text[language]);
    document.documentElement.style.setProperty(`--${name}-text`, value);
  }
}

function pageLanguage() {
  return document.documentElement.lang.startsWith("zh") ? "zh" : "en";
}

/** The wordmark closes the photo, and the language switch keeps the rest of the address. */
function followHeaderLink(event) {
  const link = event.target.closest("#header a");
  if (!link) return;
  event.preventDefault();
  if (link.id === "home") {
    showFirstTab();
    document.getElementById("close_photo")?.click();
    return;
  }
  const address = new URL(location.href);
  address.searchParams.set("lang", link.hreflang);
  location.assign(address);
}

/** A reload brings back the photo that is open by then, not the one that the address names. */
function forgetExample() {
  const address = new URL(location.href);
  address.searchParams.delete("example");
  history.replaceState(history.state, "", address);
}

/** A slider moved by keys is released with them. Gradio waits for a pointer. */
function releaseSlider({ target, key }) {
  if (
    target.matches("input[type=range]") &&
    /^(Arrow|Page|Home|End)/.test(key)
  ) {
    target.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
  }
}

function translateTexts(texts) {
  for (const element of document.querySelectorAll(TRANSLATED_TEXTS)) {
    for (const node of element.childNodes) {
      if (node.nodeName !== "#text") continue;
      for (const { en, zh } of texts) {
        if (node.nodeValue.includes(en)) {
          node.nodeValue = node.nodeValue.replace(en, zh);
        }
      }
    }
  }
}

function translateNames(names, language) {
  for (const attribute of ["aria-label", "title"]) {
    for (const control of document.querySelectorAll(`[${attribute}]`)) {
      const name = control.getAttribute(attribute);
      const slider = name.match(SLIDER_NAME);
      const text = slider
        ? language === "zh" && slider[1]
        : names[name]?.[language];
      if (text && text !== name) control.setAttribute(attribute, text);
    }
  }
}

function nameImages() {
  const buttons = "button:has(> .image-frame):not([aria-label])";
  for (const button of document.querySelectorAll(buttons)) {
    const label = button.closest(".block").querySelector("label");
    button.setAttribute("aria-label", label.textContent.trim());
  }
  describeComparison();
  for (const element of document.querySelectorAll("div.empty")) {
    element.removeAttribute("aria-label");
  }
}

/** Pictures of a comparison are what their captions and labels say. */
function describeComparison() {
  const captions = new Map(
    [...document.querySelectorAll("#beside button")].map((item) => [
      item.querySelector("img")?.src,
      item.textContent.trim(),
    ]),
  );
  for (const image of document.querySelectorAll("#pair img")) {
    image.alt = captions.get(image.src) ?? "";
  }
  for (const image of document.querySelectorAll("#difference img")) {
    const label = image.closest(".block").querySelector("label");
    image.alt = label.textContent.trim();
  }
}

/** The header of a toast is a button around the button that closes it; keep the inner one. */
function simplifyToasts() {
  for (const header of document.querySelectorAll(".toast-header[role]")) {
    header.removeAttribute("role");
    header.removeAttribute("tabindex");
  }
}
