"""The HTTP methods, one module a resource, each named as in Google's discovery documents.

The rule: a method takes a `Service` and a `Call` and returns the JSON of a 200, or raises `errors.ApiError`. The way in
is each module's `METHODS`, of which `app` makes the routes. It may not know sockets, faults or permissions: those come
before a method is called.
"""
