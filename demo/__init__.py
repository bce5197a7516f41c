"""Demonstration content and an emulator of YouTube, for newcomers and tests. Imports nothing of the project."""
