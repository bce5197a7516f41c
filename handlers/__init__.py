"""The REST door: it decodes requests to commands, calls one service function each, and encodes what that returns."""
