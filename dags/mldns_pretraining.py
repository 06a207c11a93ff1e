"""The DAG mldns_pretraining as Airflow reads it: the package brings it, a DAG file of one line names it."""

from mldns.dags.pretraining import dag  # noqa: F401 - Airflow finds it here
