"""Measurements: how long a turn takes and how much memory it needs, stage by stage, on the machine at hand."""
