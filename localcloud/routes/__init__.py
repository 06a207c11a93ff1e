"""The HTTP methods, one module a resource; each lists its `METHODS`."""
