"""`python -m mldns …`: one module a command. They need Python and dnspython, nothing else."""
