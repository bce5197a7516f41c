"""What a person may ask for: all that is theirs as a file, or that it be gone."""
