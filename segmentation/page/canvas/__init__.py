"""The canvas: the component in which a photo is chosen from, mended and looked at."""
