"""What is known by the text of an error."""
