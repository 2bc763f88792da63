"""Show editors in a browser what people will see, and what an edit does, as soon as a file is saved."""
