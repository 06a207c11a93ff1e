"""The "DNS" page in Airflow's UI: files alone. What it shows, the viewer's browser reads from Airflow's own API."""
