"""The DAG mldns_reconcile as Airflow reads it: the package brings it, a DAG file of one line names it."""

from mldns.dags.reconcile import dag  # noqa: F401 - Airflow finds it here
