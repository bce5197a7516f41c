"""What a party plays next, and what it has played."""
