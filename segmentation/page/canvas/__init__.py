"""The canvas: the component that shows a photo and its cut-out, and takes clicks and strokes."""
