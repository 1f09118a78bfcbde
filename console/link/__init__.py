"""Carries events to whoever watches, and actions back to the runner."""
