"""The servers that are measured. Each prints ``{"event": "listening", "port": N}`` as its first line."""
