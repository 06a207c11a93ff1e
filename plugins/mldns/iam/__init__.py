"""The rules of IAM, pure: who has a role, and which job asked for it.

`policy` reads and edits a policy as data: additive, and only the binding of exactly one role and condition. `grants`
says how a job's manifest notes a grant (intended, held, leaving) and which grants a policy must show.

Writing policies and notes so that both agree in the end is `mldns.providers.iam`. Nothing here makes a call.
"""
