"""What happens around every handler, one concept a file. ``handlers.app`` puts them in order."""
