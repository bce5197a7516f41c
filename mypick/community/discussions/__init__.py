"""Discussions of a community: threads with comments and votes, each a stream of its own."""
