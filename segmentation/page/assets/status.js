const STATUS_SCRIPT = /\/statustracker-[^/]+\.js$/;

/**
 * Let an event change the loading status of only those components that show its progress.
 *
 * When an event ends, Gradio counts its inputs among them, for streams from a camera. Each later
 * message of the server would update every control of the page, by a search for each.
 */
// biome-ignore lint/correctness/noUnusedVariables: page.js uses it
async function leaveInputsAlone() {
  const { name } = performance
    .getEntriesByType("resource")
    .find((resource) => STATUS_SCRIPT.test(resource.name));
  const { prototype } = Object.values(await import(name)).find(
    (item) => item?.prototype?.resolve_args,
  );
  const resolve = prototype.resolve_args;
  prototype.resolve_args = function (status) {
    return resolve.call(this, { ...status, stream_state: null });
  };
}
