"""Watch parties: a host plays a video, and everybody sees the same frame."""
