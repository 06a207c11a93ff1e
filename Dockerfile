# One image for every service of docker-compose.yml: Airflow, mldns and localcloud, at the versions that the tests ran.
# Built from the project's own lock rather than on apache/airflow, whose hundred preinstalled packages would be others
# than those of constraints.txt.
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow \
    PATH=/opt/mldns/venv/bin:$PATH

# uv comes from the lock too; bytecode is compiled once here, not at each start of each container.
WORKDIR /opt/mldns
COPY requirements.txt constraints.txt ./
RUN python -m venv /opt/mldns/venv \
    && pip install --no-cache-dir --constraint constraints.txt uv \
    && uv pip install --no-cache --compile-bytecode --python /opt/mldns/venv/bin/python \
        --requirement requirements.txt --constraint constraints.txt

COPY plugins/ plugins/
COPY dags/ dags/
COPY localcloud/ localcloud/
COPY deploy/ deploy/

# The services run as a user that can write Airflow's home and localcloud's data, where the volumes are, nothing else.
RUN useradd --uid 50000 --gid 0 --home-dir /opt/airflow --create-home airflow \
    && mkdir -p /opt/airflow/logs /opt/airflow/auth /opt/localcloud \
    && chown -R airflow:0 /opt/airflow /opt/localcloud
USER 50000:0
ENV AIRFLOW__CORE__DAGS_FOLDER=/opt/mldns/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/mldns/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False

CMD ["airflow", "info"]
