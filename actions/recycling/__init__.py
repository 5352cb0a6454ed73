"""Which bin, by the rules of a place."""
