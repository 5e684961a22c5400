/**
 * Update Gradio's clocks of long operations when their tenths of a second change.
 *
 * They ask for every frame, and that of the loading screen goes on when the screen is gone: the
 * browser would draw 60 frames a second for as long as the page is open. This runs before Gradio's
 * scripts, which keep the function that they find here.
 */
(() => {
  const CLOCK = /performance\.now\(\)-.+\/1e3/;
  const MILLISECONDS = 100;
  const request = window.requestAnimationFrame;
  window.requestAnimationFrame = (callback) => {
    if (!CLOCK.test(callback)) return request(callback);
    setTimeout(callback, MILLISECONDS);
    return 0;
  };
})();
