"""The rules that shops decide by today, on the same network, stock and clock as ours, counted in the same money."""
