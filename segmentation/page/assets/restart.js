/**
 * Reload the page when another server process answers, since that one has none of its photos.
 *
 * Returns whether the page was reloaded for this reason, so that the server can say why it is
 * empty. The server's id is kept for as long as the tab is open.
 */
// biome-ignore lint/correctness/noUnusedVariables: theme.py appends the call
function watchForRestart() {
  const { root, api_prefix, app_id } = window.gradio_config;
  const before = sessionStorage.getItem("koutu_server");
  sessionStorage.setItem("koutu_server", app_id);
  setInterval(async () => {
    const answer = await fetch(`${root}${api_prefix}/app_id`).catch(() => null);
    if (answer?.ok && (await answer.json()).app_id !== app_id)
      location.reload();
  }, 10_000);
  return before !== null && before !== String(app_id);
}
