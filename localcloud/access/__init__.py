"""Who calls and what that caller may do: keys, tokens, roles, and Google's refusals."""
