"""Measured against localcloud: mldns beside octoDNS, beside a plain loop over google-cloud-dns, beside bare requests.

__main__    the command line          contenders/  who competes, one module each
run         one run, step by step     job          what one child process is told
measure     one child process         child        what it does, and what it reports
planning    the CPU of a plan         goals        what was to be reached, and what was
report      results.md                chart        results.svg
"""
