"""How much memory a deployment takes."""
