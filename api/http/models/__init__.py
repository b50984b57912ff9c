"""Bodies of requests. What they mean is the engine's; here are their fields, limits and examples."""
