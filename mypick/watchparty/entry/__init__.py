"""The ways into a party: invites, capacity, and parties that begin at a time."""
