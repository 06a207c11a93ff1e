"""mldns at work on this machine: localcloud and a real Airflow, started, driven over REST and stopped again."""
