"""What tests take from Airflow's inside, wherever its versions have it."""

from __future__ import annotations

import sys
from typing import Any

from mldns.airflow_versions import stats

try:  # 3.2
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

try:  # 3.2
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    NAMED = {"bundle_name": "dags-folder"}
except ImportError:
    from airflow.models.dagbag import DagBag, sync_bag_to_db

    NAMED = {}

__all__ = ["DagBag", "DagSerialization", "read_dags", "set_up_stats", "sync_bag_to_db"]


def read_dags(place: str) -> Any:
    """Read DAG files as a fresh process does, those of `mldns.dags` that they name included."""
    for name in [name for name in sys.modules if name.startswith("mldns.dags.")]:
        del sys.modules[name]
    return DagBag(place, **NAMED)


def set_up_stats() -> None:
    """Have Airflow's Stats read `[metrics]` anew, as the start of a task's process does."""
    try:
        from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
    except ImportError:  # 3.1 reads it when the class is made
        stats.instance = None
        if hasattr(type(stats), "factory"):
            del type(stats).factory
        type(stats).__init__(stats)
        return
    try:
        stats.initialize(factory=get_stats_factory(), export_legacy_names=True)
    except TypeError:  # 3.2
        stats.initialize(factory=get_stats_factory(stats))
