"""What each launcher starts from, as pure functions of a hand-off: one module a target."""
