"""The mind of tako: a percept goes in, a decision comes out. Knows neither hardware nor network."""
