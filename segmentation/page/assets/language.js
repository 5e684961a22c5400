/**
 * Let the address choose the page's language (`?lang=zh`), or else the choice of the last visit.
 *
 * This runs before Gradio's scripts, which translate by the browser's language alone. Events carry
 * the address to the server, so that it answers in the same language.
 */
(() => {
  const address = new URL(location.href);
  const chosen = address.searchParams.get("lang");
  const language = chosen ?? recall();
  if (language !== "zh" && language !== "en") return;
  const tag = language === "zh" ? "zh-CN" : "en-US";
  Object.defineProperty(navigator, "language", { get: () => tag });
  Object.defineProperty(navigator, "languages", { get: () => [tag] });
  address.searchParams.set("lang", language);
  history.replaceState(history.state, "", address);
  if (chosen) remember(language);

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
