"""The domain of MyPick, by feature. It knows no server, no socket and no request."""
