"""Two machines that serve as one: which they are, how they stand, and which of them served when.

Nothing here runs a program or changes anything. On a machine that is one of two, root's probe writes each 15
seconds what Pacemaker, DRBD and Corosync say (``vermilion-cluster probe``); who serves, and why, Pacemaker's agent
appends to the history on the volume.
"""

from appliance.cluster.cluster_files import (
    ClusterSettings,
    ClusterState,
    ClusterUnreadable,
    read_cluster_settings,
    read_cluster_state,
    read_refusal,
)
from appliance.cluster.history import History, Takeover, TakeoverCause, find_takeover, read_history
from appliance.cluster.parsing import (
    FencingAttempt,
    FencingDevice,
    NodeRole,
    NodeState,
    PacemakerState,
    QuorumState,
    RingState,
    VolumeState,
)

__all__ = [
    "ClusterSettings",
    "ClusterState",
    "ClusterUnreadable",
    "FencingAttempt",
    "FencingDevice",
    "History",
    "NodeRole",
    "NodeState",
    "PacemakerState",
    "QuorumState",
    "RingState",
    "Takeover",
    "TakeoverCause",
    "VolumeState",
    "find_takeover",
    "read_cluster_settings",
    "read_cluster_state",
    "read_history",
    "read_refusal",
]
