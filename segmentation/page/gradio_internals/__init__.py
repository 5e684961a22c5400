"""Every private name of Gradio that the page depends on.

An upgrade of Gradio may rename or remove any of them: tests/segmentation/page/gradio_internals/ has
a test for each.
"""
