"""The operators that find a training's workers, under their public import path."""

from __future__ import annotations

from mldns.operators._inventory_gce import GceInstancesInventoryOperator, ManagedInstanceGroupInventoryOperator
from mldns.operators._inventory_pods import GkePodsInventoryOperator, KubernetesPodsInventoryOperator

__all__ = [
    "GceInstancesInventoryOperator",
    "GkePodsInventoryOperator",
    "KubernetesPodsInventoryOperator",
    "ManagedInstanceGroupInventoryOperator",
]
