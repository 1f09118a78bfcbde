"""Carries a plan out, in a process of its own that has no screen."""
