/**
 * What a click on some objects does, as `PhotoState.click` in session.py decides.
 *
 * @param ids of the objects under the click, the one most likely meant first.
 * @param view {selected, clicked}: ids of the chosen objects, and of those under the last click.
 * @returns {removed, added}: ids of the objects; undefined for none.
 */
function clickOutcome(ids, { selected, clicked }) {
  const found = ids.find((id) => selected.includes(id));
  // Python may know more objects there than the map holds.
  const isAgain = ids.every((id, place) => clicked[place] === id);
  // A chosen object that lies behind the one that is clicked stays.
  const removed = found === ids[0] || isAgain ? found : undefined;
  const added = removed === undefined ? ids[0] : ids[ids.indexOf(removed) + 1];
  return { removed, added };
}

/** The object to point out before a click on some objects; undefined if there is none. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
function targetOf(ids, view) {
  const { removed, added } = clickOutcome(ids, view);
  const isAdded = added !== undefined && !view.selected.includes(added);
  const id = isAdded ? added : removed;
  return id === undefined ? undefined : { id, isAdded };
}

/** The view after a click, until Python answers. */
// biome-ignore lint/correctness/noUnusedVariables: canvas.py joins the scripts
function viewAfterClick(ids, view) {
  const { removed, added } = clickOutcome(ids, view);
  const selected = new Set(view.selected);
  selected.delete(removed);
  if (added !== undefined) selected.add(added);
  return { ...view, selected: [...selected], clicked: ids };
}
