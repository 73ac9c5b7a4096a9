"""Reads the facts of an engine's build out of its sources."""
