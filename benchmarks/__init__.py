"""Measured against localcloud: what mldns costs beside a plain loop over google-cloud-dns, and beside no planning."""
