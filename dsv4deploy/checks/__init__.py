"""What is known to go wrong, as rules."""
