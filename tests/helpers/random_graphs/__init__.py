"""Random typed graphs over the whole op table, by families of ops; `typed_graphs` is the way in."""
