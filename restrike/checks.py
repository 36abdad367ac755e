"""Mistakes in the configuration, each with what to do about it."""
