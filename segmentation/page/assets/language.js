/**
 * Choose the page's language: by its address (`?lang=zh`), by the last visit, or by the browser.
 *
 * This runs before Gradio's scripts, which translate by the browser's first language alone and know
 * more languages than the page. Events carry the address to the server, so that it answers in the
 * same language; without one it goes by the browser's languages, as this does.
 */
(() => {
  const CHINESE = /^(zh|cdo|cjy|cmn|gan|hak|hsn|nan|wuu|yue)\b/i;
  const address = new URL(location.href);
  const named = address.searchParams.get("lang");
  const chosen = [named, recall()].find(
    (name) => name === "zh" || name === "en",
  );
  const language = chosen ?? preferred();
  const tag = language === "zh" ? "zh-CN" : "en-US";
  Object.defineProperty(navigator, "language", { get: () => tag });
  Object.defineProperty(navigator, "languages", { get: () => [tag] });
  if (!chosen) return;
  address.searchParams.set("lang", chosen);
  history.replaceState(history.state, "", address);
  if (named === chosen) remember(chosen);

  function preferred() {
    const known = navigator.languages.find(
      (tag) => CHINESE.test(tag) || /^en\b/i.test(tag),
    );
    return known && CHINESE.test(known) ? "zh" : "en";
  }

  // Browsers may forbid a page to store anything.
  function recall() {
    try {
      return localStorage.getItem("koutu_language");
    } catch {
      return null;
    }
  }
  function remember(language) {
    try {
      localStorage.setItem("koutu_language", language);
    } catch {}
  }
})();
