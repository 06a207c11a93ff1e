"""The "DNS" page in Airflow's UI, and the tab of a run.

`plugin` is what Airflow loads, everywhere and in every task process, so it stays light; `mounted` says where the page
appears; `app` serves its files to users who may see plugins. The page owns no data and no credentials: the viewer's
browser reads events, runs and XComs from Airflow's own API, with the viewer's own rights.
"""
