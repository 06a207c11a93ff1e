"""Who calls, and what that caller may do: keys, tokens, roles, conditions, and the answers 401 and 403.

The rule: a caller is whoever its token names, and has what the policies in the store grant it. The way in is
`authority.Authority`; what a method needs is in `requirements`, what a role grants in `roles`. It may not know HTTP:
`admission` and `routes.tokens` bring it a header and a body.
"""
