"""What is said in a party, and how people react."""
