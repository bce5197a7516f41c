"""The creators' platforms: one protocol and a client for each platform."""
