"""Proposals for rooms."""
