"""From a Hugging Face Mask2Former checkpoint to the artifacts both run-times load."""
