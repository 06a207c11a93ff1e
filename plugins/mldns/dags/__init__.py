"""The DAGs that come with the package: `pretraining`, `release` and `reconcile`, a module each with its DAG as `dag`.

A deployment names those that it wants in a file of its DAGs folder, a line each; Airflow reads only files in which both
"airflow" and "dag" stand:

    from mldns.dags.pretraining import dag  # airflow

They know everything of mldns, and nothing knows them.
"""
