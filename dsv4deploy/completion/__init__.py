"""One streamed completion, and whether its answer makes sense; standard library only."""
