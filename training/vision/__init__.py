"""The school of sight: image tower, alignment, pictures for the functional tokens."""
