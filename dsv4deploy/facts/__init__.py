"""What is known of the world, as data with look-ups: the engine's flags, published figures."""
